package provision_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
)

func TestIMSI(t *testing.T) {
	first := eap.MustParseIMSI("001010000000001")
	got, err := provision.IMSI(first, 99)
	require.NoError(t, err)
	require.Equal(t, "001010000000100", got.Digits())

	_, err = provision.IMSI(eap.MustParseIMSI("999999"), 1)
	require.EqualError(t, err, "no 6-digit IMSI is 1 after 99999*")
	_, err = provision.IMSI(first, -1)
	require.Error(t, err)
	_, err = provision.IMSI(eap.IMSI{}, 1)
	require.Error(t, err)
}

func TestKeysDiffer(t *testing.T) {
	a, b := eap.MustParseIMSI("001010000000001"), eap.MustParseIMSI("001010000000002")
	var derived provision.Keys
	ka, oa := derived.Of(a)
	kb, ob := derived.Of(b)
	require.NotEqual(t, ka, kb)
	require.NotEqual(t, oa, ob)
	require.NotEqual(t, ka, oa)

	// Other programs rely on the derivation: it must not change.
	require.Equal(t, "aca6ea941ef2ad54ecfeda862e352f62 c4afc33a6222359888c8396f5b50041e", hex.EncodeToString(ka[:])+" "+hex.EncodeToString(oa[:]))

	common, err := provision.ParseKeys("465b5ce8b199b49faa5f0a2ee238a6bc", "cd63cb71954a9f4e48a5994e37a02baf")
	require.NoError(t, err)
	ka, oa = common.Of(a)
	kb, ob = common.Of(b)
	require.Equal(t, ka, kb)
	require.Equal(t, oa, ob)
	require.Equal(t, common, provision.CommonKeys(ka, oa))
}

func TestParseKeys(t *testing.T) {
	keys, err := provision.ParseKeys("", "")
	require.NoError(t, err)
	require.Equal(t, provision.Keys{}, keys)

	_, err = provision.ParseKeys("465b5ce8b199b49faa5f0a2ee238a6bc", "")
	require.ErrorContains(t, err, "OPc")
	_, err = provision.ParseKeys("465b", "cd63cb71954a9f4e48a5994e37a02baf")
	require.ErrorContains(t, err, "K")
}
