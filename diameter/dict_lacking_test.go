package diameter

import (
	"testing"

	"github.com/fiorix/go-diameter/v4/diam/dict"
	"github.com/stretchr/testify/require"
)

// TestLackingAVPs counts what go-diameter's dictionary has not, and ours has
// therefore: 42 AVPs of SWx, and ten of Gy. (Cx, Gx and Rx have some of them,
// but are not looked at for these applications.)
func TestLackingAVPs(t *testing.T) {
	const etsi, threeGPP2 = 13019, 5535
	d := DefaultDictionary()
	for _, tt := range []struct {
		app  uint32
		want int
		keys []avpKey
	}{
		{swxApplication, 42, append(of3GPP(
			1503, 611, 1516, 1517, 1402, 1403, 1471, 1518, 629, 630, 1612, 1506, 1507, 1508, 1509, 1524, 1525,
			1510, 1511, 1512, 1515, 1519, 1526, 1536, 1537, 1538, 1540, 1541, 1680, 1687, 1704, 1706, 1649, 2805,
			1447, 701, 3924), avpKey{334, 0}, avpKey{348, 0}, avpKey{650, 0}, avpKey{126, 0}, avpKey{350, 0})},
		{gyApplication, 10, append(of3GPP(1503, 29, 3918, 2805, 2847, 4310, 3933, 3904),
			avpKey{500, etsi}, avpKey{9010, threeGPP2})},
	} {
		lacking := 0
		for _, k := range tt.keys {
			ours, ok := d.Find(tt.app, k.code, k.vendor)
			require.True(t, ok, "AVP %d of vendor %d", k.code, k.vendor)
			require.NotEmpty(t, ours.Name)
			if theirs, err := dict.Default.FindAVPWithVendor(tt.app, k.code, k.vendor); err != nil || theirs.VendorID != k.vendor {
				lacking++
			}
		}
		require.Equal(t, tt.want, lacking)
	}
}

func of3GPP(codes ...uint32) (keys []avpKey) {
	for _, c := range codes {
		keys = append(keys, avpKey{c, vendor3GPP})
	}
	return keys
}

func TestCommandName(t *testing.T) {
	require.Equal(t, "PPR/PPA", CommandName(swxApplication, 305), "another one that go-diameter's SWx has not")
	require.Equal(t, "CCR/CCA", CommandName(gyApplication, 272))
	require.Equal(t, "DWR/DWA", CommandName(applicationBase, 280))
	require.Equal(t, "ASR/ASA", CommandName(gyApplication, 274))
	require.Empty(t, CommandName(swxApplication, 272))
	require.Empty(t, CommandName(1, 301))
	_, err := dict.Default.FindCommand(swxApplication, 305)
	require.Error(t, err)
}
