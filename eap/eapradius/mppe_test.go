package eapradius

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/vendors/microsoft"

	"github.com/opentwag/twag/eap"
)

type mppeVector struct {
	Plain           string `json:"plain"`
	Salt            string `json:"salt"`
	AttributeString string `json:"attribute_string"`
}

// TestMPPEVectors makes the attributes that radclient has decrypted.
func TestMPPEVectors(t *testing.T) {
	b, err := os.ReadFile("../../testdata/radius.json")
	require.NoError(t, err)
	var file struct {
		Cases []struct {
			Name     string
			Secret   string
			Request  string
			Response string
			Recv     *mppeVector `json:"ms_mppe_recv_key"`
			Send     *mppeVector `json:"ms_mppe_send_key"`
		}
	}
	require.NoError(t, json.Unmarshal(b, &file))
	cases := 0
	for _, c := range file.Cases {
		if c.Recv == nil {
			continue
		}
		cases++
		auth := [16]byte(unhex(t, c.Request)[4:20])
		for typ, v := range map[byte]*mppeVector{mppeRecvKey: c.Recv, mppeSendKey: c.Send} {
			salt := unhex(t, v.Salt)
			key := [32]byte(unhex(t, v.Plain))
			got := appendMPPE([]byte("front"), typ, &key, uint16(salt[0])<<8|uint16(salt[1]), []byte(c.Secret), &auth)
			want := []byte{0, 0, 1, 0x37, typ, 52}
			require.Equal(t, "front"+string(append(want, unhex(t, v.AttributeString)...)), string(got), c.Name)
			require.Contains(t, c.Response, "1a3a"+hex.EncodeToString(got[5:]))
		}
	}
	require.Equal(t, 1, cases)
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// TestKeys decrypts with another implementation.
func TestKeys(t *testing.T) {
	for _, secret := range []string{"s", "a secret of some length", strings.Repeat("a long secret ", 20)} {
		for range 50 {
			request := layeh.New(layeh.CodeAccessRequest, []byte(secret))
			p := new(reply).begin(&layeh.Request{Packet: request}, layeh.CodeAccessAccept)
			var msk eap.Key
			for i := range msk {
				msk[i] = byte(i)
			}
			p.addKeys(&msk)
			require.Equal(t, msk[:32], microsoft.MSMPPERecvKey_Get(&p.packet, request))
			require.Equal(t, msk[32:], microsoft.MSMPPESendKey_Get(&p.packet, request))
			vsas := vendorValues(&p.packet)
			require.Len(t, vsas, 2, "one attribute each")
			recv, send := vsas[0][6:8], vsas[1][6:8]
			require.NotEqual(t, recv, send, "salts")
			require.NotZero(t, recv[0]&0x80)
			require.NotZero(t, send[0]&0x80)
		}
	}
}

func vendorValues(p *layeh.Packet) (v [][]byte) {
	for _, a := range p.Attributes {
		if a.Type == rfc2865.VendorSpecific_Type {
			v = append(v, a.Attribute)
		}
	}
	return v
}

func BenchmarkKeys(b *testing.B) {
	request := layeh.New(layeh.CodeAccessRequest, []byte("a secret of some length"))
	r := &layeh.Request{Packet: request}
	msk := eap.Key{1}
	b.ReportAllocs()
	for b.Loop() {
		new(reply).begin(r, layeh.CodeAccessAccept).addKeys(&msk)
	}
}
