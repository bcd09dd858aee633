package aka

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

func TestPRFVectors(t *testing.T) {
	var f struct {
		Vectors []struct {
			Name              string
			Identity          string
			XKey              hexBytes
			Output160         hexBytes `json:"output_160"`
			MK                hexBytes
			IK, CK            hexBytes
			Counter           uint16
			NonceS            hexBytes `json:"nonce_s"`
			KEncr             hexBytes `json:"k_encr"`
			KAut              hexBytes `json:"k_aut"`
			MSK, EMSK         hexBytes
			ChallengePlain    hexBytes `json:"challenge_plaintext"`
			ChallengePacket   hexBytes `json:"challenge_packet"`
			ChallengeMACExtra hexBytes `json:"challenge_mac_extra"`
			ReauthPlain       hexBytes `json:"reauth_request_plaintext"`
			ReauthPacket      hexBytes `json:"reauth_request_packet"`
		}
	}
	load(t, "fips186_prf.json", &f)
	require.Len(t, f.Vectors, 5)

	var outputs, masters, reauths, packets, akas int
	var sim Keys
	for _, v := range f.Vectors {
		if v.Output160 != nil {
			outputs++
			out := make([]byte, 160)
			prf([20]byte(v.XKey), out)
			require.Equal(t, []byte(v.Output160), out, v.Name)
		}
		if v.KEncr != nil {
			masters++
			k := keysOfMK(eap.TypeSIM, [20]byte(v.MK))
			if v.IK != nil {
				akas++
				k = AKAKeys(v.Identity, v.CK.a16(), v.IK.a16())
				require.Equal(t, []byte(v.MK), k.MK[:], v.Name)
			} else {
				sim = k
			}
			require.Equal(t, []byte(v.KEncr), k.KEncr[:], v.Name)
			require.Equal(t, []byte(v.KAut), k.KAut[:16], v.Name)
			require.Equal(t, []byte(v.MSK), k.MSK[:], v.Name)
			require.Equal(t, []byte(v.EMSK), k.EMSK[:], v.Name)
		}
		if v.NonceS != nil {
			reauths++
			k := keysOfMK(eap.TypeSIM, [20]byte(v.MK))
			next := k.Reauth(v.Identity, v.Counter, v.NonceS.a16())
			require.Equal(t, []byte(v.MSK), next.MSK[:], v.Name)
			require.Equal(t, []byte(v.EMSK), next.EMSK[:], v.Name)
			require.Equal(t, k.KAut, next.KAut, v.Name)
			require.Equal(t, k.MK, next.MK, v.Name)
		}
		if v.ChallengePacket != nil {
			packets++
			m := decodePacket(t, v.ChallengePacket)
			require.NoError(t, m.VerifyMAC(&sim, v.ChallengeMACExtra))
			plain, err := m.Decrypt(nil, &sim)
			require.NoError(t, err)
			require.Equal(t, []byte(v.ChallengePlain), plain)

			m = decodePacket(t, v.ReauthPacket)
			require.NoError(t, m.VerifyMAC(&sim, nil))
			plain, err = m.Decrypt(nil, &sim)
			require.NoError(t, err)
			require.Equal(t, []byte(v.ReauthPlain), plain)
			n, err := m.DecodeNested(plain)
			require.NoError(t, err)
			require.EqualValues(t, 1, n.Counter)
			require.Equal(t, unhex(t, "0123456789abcdeffedcba9876543210"), n.NonceS)
		}
	}
	require.Equal(t, []int{1, 2, 1, 1, 1}, []int{outputs, masters, reauths, packets, akas})
}

func TestPrimeVectors(t *testing.T) {
	var f struct {
		Cases []struct {
			Case        int
			Identity    string
			NetworkName string `json:"network_name"`
			RAND, AUTN  hexBytes
			IK, CK      hexBytes
			CKPrime     hexBytes `json:"CK_prime"`
			IKPrime     hexBytes `json:"IK_prime"`
			KEncr       hexBytes `json:"k_encr"`
			KAut        hexBytes `json:"k_aut"`
			KRe         hexBytes `json:"k_re"`
			MSK, EMSK   hexBytes
			SessionID   hexBytes `json:"session_id"`
			Reauth      *struct {
				Identity  string `json:"reauth_identity"`
				Counter   uint16
				NonceS    hexBytes `json:"nonce_s"`
				MSK, EMSK hexBytes
			} `json:"fast_reauth"`
		}
	}
	load(t, "eap_aka_prime.json", &f)
	require.Len(t, f.Cases, 4)
	reauths := 0
	for _, c := range f.Cases {
		t.Run(fmt.Sprint(c.Case), func(t *testing.T) {
			ck, ik := PrimeKeys(c.CK.a16(), c.IK.a16(), c.NetworkName, c.AUTN.a16())
			require.Equal(t, []byte(c.CKPrime), ck[:])
			require.Equal(t, []byte(c.IKPrime), ik[:])
			k := AKAPrimeKeys(c.Identity, ck, ik)
			require.Equal(t, []byte(c.KEncr), k.KEncr[:])
			require.Equal(t, []byte(c.KAut), k.KAut[:])
			require.Equal(t, []byte(c.KRe), k.KRe[:])
			require.Equal(t, []byte(c.MSK), k.MSK[:])
			require.Equal(t, []byte(c.EMSK), k.EMSK[:])
			require.Equal(t, []byte(c.SessionID), SessionID(eap.TypeAKAPrime, c.RAND.a16(), c.AUTN.a16()))
			if r := c.Reauth; r != nil {
				reauths++
				next := k.Reauth(r.Identity, r.Counter, r.NonceS.a16())
				require.Equal(t, []byte(r.MSK), next.MSK[:])
				require.Equal(t, []byte(r.EMSK), next.EMSK[:])
				require.Equal(t, k.KAut, next.KAut)
			}
		})
	}
	require.Equal(t, 1, reauths)
}

func TestKeysDoNotPrint(t *testing.T) {
	k := AKAKeys("0001010000000001", [16]byte{1}, [16]byte{2})
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "aka.Keys[redacted]", fmt.Sprintf(verb, k))
	}
	require.Equal(t, "aka.Keys[redacted]", fmt.Sprint(&k))
}

// A long identity goes through the same formulas beyond the scratch space.
func TestKeysOfLongIdentity(t *testing.T) {
	long := string(make([]byte, 2000))
	require.NotEqual(t, AKAKeys(long, [16]byte{}, [16]byte{}).MSK, AKAKeys(long[1:], [16]byte{}, [16]byte{}).MSK)
	require.NotEqual(t, AKAPrimeKeys(long, [16]byte{}, [16]byte{}).MSK, AKAPrimeKeys(long[1:], [16]byte{}, [16]byte{}).MSK)
}

func BenchmarkAKAKeys(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		AKAKeys("0555444333222111@wlan.mnc044.mcc555.3gppnetwork.org", [16]byte{1}, [16]byte{2})
	}
}

func BenchmarkAKAPrimeKeys(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ck, ik := PrimeKeys([16]byte{1}, [16]byte{2}, "WLAN", [16]byte{3})
		AKAPrimeKeys("6555444333222111@wlan.mnc044.mcc555.3gppnetwork.org", ck, ik)
	}
}
