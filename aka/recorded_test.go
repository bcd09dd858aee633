package aka

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// Every recorded message decodes, verifies, decrypts and encodes to the same
// octets again; the keys are those of the recording.
func TestRecordedMessages(t *testing.T) {
	var count struct{ messages, attrs, macs, checkcodes, encrypted, full, reauths int }
	for _, r := range recordings(t) {
		t.Run(r.Name, func(t *testing.T) {
			var keys, current Keys
			full := map[string]Keys{}
			for _, d := range r.Derived {
				if d.Kind == "fast-reauth" {
					count.reauths++
					next := keys.Reauth(d.Identity, d.Counter, d.NonceS.a16())
					require.Equal(t, []byte(d.MSK), next.MSK[:])
					require.Equal(t, []byte(d.EMSK), next.EMSK[:])
					continue
				}
				count.full++
				if d.CKPrime != nil {
					ck, ik := PrimeKeys(d.CK.a16(), d.IK.a16(), d.NetworkName, d.AUTN.a16())
					require.Equal(t, []byte(d.CKPrime), ck[:])
					require.Equal(t, []byte(d.IKPrime), ik[:])
					keys = AKAPrimeKeys(d.Identity, ck, ik)
					require.Equal(t, []byte(d.KAut), keys.KAut[:])
					require.Equal(t, []byte(d.KRe), keys.KRe[:])
				} else {
					keys = AKAKeys(d.Identity, d.CK.a16(), d.IK.a16())
					require.Equal(t, []byte(d.MK), keys.MK[:])
					require.Equal(t, []byte(d.KAut), keys.KAut[:16])
				}
				require.Equal(t, []byte(d.KEncr), keys.KEncr[:])
				require.Equal(t, []byte(d.MSK), keys.MSK[:])
				require.Equal(t, []byte(d.EMSK), keys.EMSK[:])
				full[string(d.RAND)] = keys
			}
			var cc Checkcode
			var request []byte
			for n, msg := range r.Messages {
				p, err := eap.Decode(msg.EAP)
				require.NoError(t, err, n)
				if p.Type != eap.TypeAKA && p.Type != eap.TypeAKAPrime {
					cc = Checkcode{}
					continue
				}
				count.messages++
				m, err := Decode(p)
				require.NoError(t, err, n)
				if m.Has(AttrRAND) {
					current = full[string(m.RAND)]
				}
				if m.Subtype == SubtypeReauthentication {
					current = keys
				}

				i := 0
				for typ, v := range m.All() {
					require.Equal(t, msg.Attributes[i].Type, typ, n)
					require.Equal(t, msg.Attributes[i].Name, typ.String(), n)
					require.Equal(t, []byte(msg.Attributes[i].Hex[2:]), v, n)
					require.True(t, m.Has(typ), n)
					i++
				}
				count.attrs += i
				require.Len(t, msg.Attributes, i, n)

				if m.Subtype == SubtypeIdentity {
					if m.Code == eap.CodeRequest {
						request = p.Raw
					} else {
						cc.Add(p.Type, request, p.Raw)
					}
				}
				var extra []byte
				if m.Has(AttrMAC) {
					count.macs++
					extra = *msg.MACExtra
					require.NoError(t, m.VerifyMAC(&current, extra), n)
					require.ErrorIs(t, m.VerifyMAC(&current, []byte{1}), ErrMAC, n)
				}
				if m.Has(AttrCheckcode) {
					count.checkcodes++
					require.Equal(t, m.Checkcode, cc.Append([]byte{}, p.Type), n)
				}
				var nested Attributes
				if m.Has(AttrEncrData) {
					count.encrypted++
					plain, err := m.Decrypt(nil, &current)
					require.NoError(t, err, n)
					require.Equal(t, []byte(msg.Plain), plain, n)
					nested, err = m.DecodeNested(plain)
					require.NoError(t, err, n)
					i := 0
					for typ := range nested.All() {
						require.Equal(t, msg.Decrypted[i].Type, typ, n)
						i++
					}
					require.Len(t, msg.Decrypted, i, n)
				}
				require.Equal(t, []byte(msg.EAP), rebuild(t, &m, &nested, &current, extra), n)
			}
		})
	}
	require.Equal(t, struct{ messages, attrs, macs, checkcodes, encrypted, full, reauths int }{48, 157, 27, 19, 17, 9, 2}, count)
}

// rebuild encodes a decoded message once more, attribute by attribute.
func rebuild(t *testing.T, m *Message, nested *Attributes, k *Keys, extra []byte) []byte {
	b := NewMessage([]byte("prefix"), m.Code, m.Identifier, m.Type, m.Subtype)
	kdf := 0
	var put func(b *Builder, a *Attributes, typ AttrType)
	put = func(b *Builder, a *Attributes, typ AttrType) {
		switch typ {
		case AttrRAND:
			b.Octets(typ, a.RAND)
		case AttrAUTN:
			b.Octets(typ, a.AUTN)
		case AttrRES:
			b.Octets(typ, a.RES)
		case AttrAUTS:
			b.Octets(typ, a.AUTS)
		case AttrNonceS:
			b.Octets(typ, a.NonceS)
		case AttrIdentity:
			b.String(typ, string(a.Identity))
		case AttrKDFInput:
			b.Octets(typ, a.KDFInput)
		case AttrNextPseudonym:
			b.Octets(typ, a.NextPseudonym)
		case AttrNextReauthID:
			b.Octets(typ, a.NextReauthID)
		case AttrCheckcode:
			b.Octets(typ, a.Checkcode)
		case AttrNotification:
			b.Number(typ, uint16(a.Notification))
		case AttrClientErrorCode:
			b.Number(typ, a.ClientErrorCode)
		case AttrCounter:
			b.Number(typ, a.Counter)
		case AttrKDF:
			b.Number(typ, a.KDFs.At(kdf))
			kdf++
		case AttrBidding:
			b.Bidding(a.Bidding)
		case AttrMAC:
			b.MAC(k, extra)
		case AttrEncrData:
			b.Encrypt(k, [16]byte(a.IV), func(b *Builder) {
				for typ := range nested.All() {
					put(b, nested, typ)
				}
			})
		case AttrIV, AttrPadding: // Encrypt makes them
		default:
			b.Flag(typ)
		}
	}
	for typ := range m.All() {
		put(&b, &m.Attributes, typ)
	}
	out, err := b.Bytes()
	require.NoError(t, err)
	return out[len("prefix"):]
}
