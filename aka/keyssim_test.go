package aka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// rfc4186 is the run of RFC 4186, appendix A.
type rfc4186 struct {
	identity       string
	triplets       []Triplet
	nonceMT        [16]byte
	versions       []byte
	mk, keys       []byte // K_encr, K_aut, MSK, EMSK
	challenge      []byte
	challengePlain []byte
	response       []byte
}

func loadRFC4186(t testing.TB) (r rfc4186) {
	var f struct {
		Vectors []struct {
			Identity  string
			Kc        []hexBytes
			NonceMT   hexBytes `json:"nonce_mt"`
			Versions  hexBytes `json:"version_list"`
			Selected  hexBytes `json:"selected_version"`
			MK        hexBytes
			KEncr     hexBytes `json:"k_encr"`
			KAut      hexBytes `json:"k_aut"`
			MSK, EMSK hexBytes
			Plain     hexBytes `json:"challenge_plaintext"`
			Packet    hexBytes `json:"challenge_packet"`
		}
	}
	load(t, "fips186_prf.json", &f)
	found := 0
	for _, v := range f.Vectors {
		if v.Kc != nil {
			found++
			r.identity, r.nonceMT, r.versions, r.mk = v.Identity, v.NonceMT.a16(), v.Versions, v.MK
			require.Equal(t, []byte{0, 1}, []byte(v.Selected))
			for i, kc := range v.Kc {
				tr := Triplet{Kc: [8]byte(kc)}
				for k := range tr.RAND {
					tr.RAND[k] = byte(16*(i+1) + k)
				}
				for k := range tr.SRES {
					tr.SRES[k] = byte(0xd1 + 16*i + k)
				}
				r.triplets = append(r.triplets, tr)
			}
			for _, k := range []hexBytes{v.KEncr, v.KAut, v.MSK, v.EMSK} {
				r.keys = append(r.keys, k...)
			}
		}
		if v.Packet != nil {
			found++
			r.challenge, r.challengePlain = v.Packet, v.Plain
		}
	}
	require.Equal(t, 2, found)
	r.response = unhex(t, "0202001c120b00000b050000f56d6433e68ed2976ac11937fc3d1154") // A.6
	return r
}

func TestSIMKeys(t *testing.T) {
	r := loadRFC4186(t)
	require.Len(t, r.triplets, 3)
	k := SIMKeys(r.identity, r.triplets, r.nonceMT, r.versions, SIMVersion)
	require.Equal(t, r.mk, k.MK[:])
	var got []byte
	for _, part := range [][]byte{k.KEncr[:], k.KAut[:16], k.MSK[:], k.EMSK[:]} {
		got = append(got, part...)
	}
	require.Equal(t, r.keys, got)
	require.Equal(t, eap.TypeSIM, k.Method)

	m := decodePacket(t, r.challenge)
	require.NoError(t, m.VerifyMAC(&k, r.nonceMT[:]))
	require.ErrorIs(t, m.VerifyMAC(&k, nil), ErrMAC)
	plain, err := m.Decrypt(nil, &k)
	require.NoError(t, err)
	require.Equal(t, r.challengePlain, plain)
	var rands, sres []byte
	for _, tr := range r.triplets {
		rands, sres = append(rands, tr.RAND[:]...), append(sres, tr.SRES[:]...)
	}
	require.Equal(t, rands, m.RAND)
	m = decodePacket(t, r.response)
	require.NoError(t, m.VerifyMAC(&k, sres))
}

// Every part of the formula counts.
func TestSIMKeysDependOnAll(t *testing.T) {
	r := loadRFC4186(t)
	base := SIMKeys(r.identity, r.triplets, r.nonceMT, r.versions, SIMVersion)
	swapped := []Triplet{r.triplets[1], r.triplets[0], r.triplets[2]}
	nonce := r.nonceMT
	nonce[0] ^= 1
	for i, k := range []Keys{
		SIMKeys(r.identity+"x", r.triplets, r.nonceMT, r.versions, SIMVersion),
		SIMKeys(r.identity, swapped, r.nonceMT, r.versions, SIMVersion),
		SIMKeys(r.identity, r.triplets[:2], r.nonceMT, r.versions, SIMVersion),
		SIMKeys(r.identity, r.triplets, nonce, r.versions, SIMVersion),
		SIMKeys(r.identity, r.triplets, r.nonceMT, []byte{0, 1, 0, 2}, SIMVersion),
		SIMKeys(r.identity, r.triplets, r.nonceMT, r.versions, 2),
	} {
		require.NotEqual(t, base.MSK, k.MSK, i)
	}
}

func TestSIMSessionID(t *testing.T) {
	require.Equal(t, append(append([]byte{18}, make([]byte, 32)...), 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		SIMSessionID(make([]byte, 32), [16]byte{7}))
}
