package aka

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

var bothGroups = []FSGroup{FSX25519, FSP256}

// The examples of RFC 7748, section 6.1, and RFC 5903, section 8.1, the points
// of the latter compressed.
func TestGroupExamples(t *testing.T) {
	for _, c := range []struct {
		group                       FSGroup
		private, own, other, secret string
	}{
		{
			FSX25519,
			"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
			"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a0000",
			"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f0000",
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
		},
		{
			FSX25519,
			"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
			"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f0000",
			"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a0000",
			"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
		},
		{
			FSP256,
			"c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
			"03dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118000",
			"03d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6300",
			"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
		},
		{
			FSP256,
			"c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53",
			"03d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf6300",
			"03dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118000",
			"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de",
		},
	} {
		k, err := c.group.curve().NewPrivateKey(unhex(t, c.private))
		require.NoError(t, err)
		own := c.group.encode(k)
		require.Equal(t, c.own, hex.EncodeToString(own[:]))
		s, err := c.group.agree(k, unhex(t, c.other))
		require.NoError(t, err)
		require.Equal(t, c.secret, hex.EncodeToString(s[:]))
	}
}

// Points with y even and y odd, of many keys.
func TestGroupsAgree(t *testing.T) {
	for _, g := range bothGroups {
		first := map[byte]bool{}
		for range 50 {
			a, publicA, err := g.generate()
			require.NoError(t, err)
			b, publicB, err := g.generate()
			require.NoError(t, err)
			require.NotEqual(t, publicA, publicB)
			one, err := g.agree(a, publicB[:])
			require.NoError(t, err)
			two, err := g.agree(b, publicA[:])
			require.NoError(t, err)
			require.Equal(t, one, two)
			require.NotZero(t, one)
			first[publicA[0]] = true
			require.Zero(t, publicA[33])
			if g == FSX25519 {
				require.Zero(t, publicA[32])
			}
		}
		if g == FSP256 {
			require.Equal(t, map[byte]bool{2: true, 3: true}, first)
		}
	}
}

// badPublic are values that give no secret, with their padding.
var badPublic = []struct {
	group FSGroup
	name  string
	hex   string
	err   error
}{
	{FSX25519, "empty", "", ErrLength},
	{FSX25519, "without padding", zeros(32), ErrLength},
	{FSX25519, "too long", zeros(38), ErrLength},
	{FSX25519, "zero", zeros(34), ErrPublicValue},
	{FSX25519, "one", "01" + zeros(33), ErrPublicValue},
	{FSX25519, "order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b8000000", ErrPublicValue},
	{FSX25519, "order 8, the other", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11570000", ErrPublicValue},
	{FSX25519, "minus one", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f0000", ErrPublicValue},
	{FSX25519, "the prime", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f0000", ErrPublicValue},
	{FSX25519, "the prime and one", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f0000", ErrPublicValue},
	{FSX25519, "one with the highest bit", "01" + zeros(30) + "800000", ErrPublicValue},
	{FSP256, "empty", "", ErrLength},
	{FSP256, "without padding", "02" + zeros(32), ErrLength},
	{FSP256, "uncompressed, of 65 octets", "04" + zeros(65), ErrLength},
	{FSP256, "zeros", zeros(34), ErrPublicValue},
	{FSP256, "off the curve", "02" + zeros(31) + "0700", ErrPublicValue},
	{FSP256, "off the curve, y odd", "03" + zeros(31) + "0700", ErrPublicValue},
	{FSP256, "x is the prime", "02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff00", ErrPublicValue},
	{FSP256, "x is 5 and the prime", "02ffffffff0000000100000000000000000000000100000000000000000000000400", ErrPublicValue},
	{FSP256, "ones", "02" + ones(32) + "00", ErrPublicValue},
	{FSP256, "first octet 0", "00dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118000", ErrPublicValue},
	{FSP256, "first octet 1", "01dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118000", ErrPublicValue},
	{FSP256, "first octet 4", "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118000", ErrPublicValue},
	{FSP256, "first octet 5", "05dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118000", ErrPublicValue},
	{FSP256, "hybrid", "07dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c377258118000", ErrPublicValue},
}

func ones(n int) (s string) {
	for range n {
		s += "ff"
	}
	return s
}

func TestBadPublicValues(t *testing.T) {
	require.Len(t, badPublic, 25)
	for _, c := range badPublic {
		k, _, err := c.group.generate()
		require.NoError(t, err)
		s, err := c.group.agree(k, unhex(t, c.hex))
		require.ErrorIs(t, err, c.err, "%v %s", c.group, c.name)
		require.Zero(t, s)
	}
}

func TestGroupNames(t *testing.T) {
	require.Equal(t, "X25519", FSX25519.String())
	require.Equal(t, "P-256", FSP256.String())
	require.Equal(t, "FSGroup(7)", FSGroup(7).String())
	require.Nil(t, FSGroup(0).curve())
	require.Nil(t, FSGroup(3).curve())
}

// FuzzPublicValue: whatever a peer sends, there is no panic, and what gives a
// secret gives the same in a second encoding.
func FuzzPublicValue(f *testing.F) {
	for _, c := range badPublic {
		f.Add(unhex(f, c.hex), c.group == FSP256)
	}
	for _, g := range bothGroups {
		_, public, err := g.generate()
		require.NoError(f, err)
		f.Add(public[:], g == FSP256)
	}
	keys := map[bool]FSGroup{false: FSX25519, true: FSP256}
	x, _, err := FSX25519.generate()
	require.NoError(f, err)
	p, _, err := FSP256.generate()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, value []byte, p256 bool) {
		g, k := keys[p256], x
		if p256 {
			k = p
		}
		s, err := g.agree(k, value)
		if err != nil {
			require.Zero(t, s)
			return
		}
		require.Len(t, value, 34)
		value[33] ^= 1 // padding
		again, err := g.agree(k, value)
		require.NoError(t, err)
		require.Equal(t, s, again)
		if p256 { // the point's negative has the same x
			value[0] ^= 1
			again, err = g.agree(k, value)
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
	})
}
