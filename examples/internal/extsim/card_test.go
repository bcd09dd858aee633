package extsim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/eap/eaptest"
	"github.com/opentwag/twag/examples/internal/extsim"
	"github.com/opentwag/twag/milenage"
)

func TestNewCard(t *testing.T) {
	cipher, err := milenage.New([16]byte{1}, [16]byte{2})
	require.NoError(t, err)
	imsi := eap.MustParseIMSI("001010000000001")
	centre := auc.New(auc.Config{})
	require.NoError(t, centre.Put(auc.Subscriber{IMSI: imsi, Algorithm: cipher.Algorithm()}))
	vectors, err := centre.Vectors(t.Context(), aka.VectorRequest{IMSI: imsi, Scheme: aka.SchemeAKA})
	require.NoError(t, err)
	v := vectors[0]

	usim, err := eaptest.NewUSIM(eaptest.USIMConfig{Algorithm: cipher.Algorithm()})
	require.NoError(t, err)
	card := extsim.NewCard(usim)
	require.Equal(t, extsim.Answer{RES: v.XRES[:v.XRESLen], CK: v.CK, IK: v.IK}, card.UMTS(v.RAND, v.AUTN))

	stale := card.UMTS(v.RAND, v.AUTN)
	require.Len(t, stale.AUTS, 14)
	require.Nil(t, stale.RES)

	v.AUTN[15] ^= 1
	require.Equal(t, extsim.Answer{}, card.UMTS(v.RAND, v.AUTN))

	want := v.Triplet()
	sres, kc := card.GSM(v.RAND)
	require.Equal(t, want.SRES, sres)
	require.Equal(t, want.Kc, kc)
}
