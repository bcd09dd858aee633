package swx

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/internal/dict"
)

// TestFieldDeviations is what HSSes in the field do that the standards do not
// foresee, and a client bears with. (What concerns the connection is tested in
// package swxtest.)
func TestFieldDeviations(t *testing.T) {
	ask := func(t *testing.T, scheme aka.Scheme, answer func(req wire.Message) wire.Message) ([]aka.Vector, error) {
		t.Helper()
		node := &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) { return answer(req), nil }}
		return NewClient(node, Config{}).Vectors(t.Context(), testRequest(scheme))
	}
	must := func(m wire.Message, err error) wire.Message {
		require.NoError(t, err)
		return m
	}
	good := func(req wire.Message, n byte) wire.Message {
		m := goodMAA(n)
		return must(m.Encode(nil, req.Header()))
	}
	sid := func(v string) wire.AVP {
		return wire.AVP{Code: codeSessionID, Flags: dict.M, Data: []byte(v)}
	}

	t.Run("an answer of 32 octets", func(t *testing.T) {
		_, err := ask(t, aka.SchemeAKAPrime, func(req wire.Message) wire.Message {
			b := wire.NewBuilder(nil, wire.Header{Command: 303, Application: ApplicationID})
			b.Uint32(codeResultCode, 0, dict.M, 5005)
			m := must(b.Message())
			require.Len(t, m, 32)
			return m
		})
		var re *ResultError
		require.ErrorAs(t, err, &re)
		require.Equal(t, ResultError{Code: 5005, Scheme: aka.SchemeAKAPrime}, *re)
		requireOnly(t, err, aka.ErrUnavailable)
	})
	for name, more := range map[string][]wire.AVP{
		"no Session-Id and no Origin-Host": {},
		"empty Session-Id":                 {sid("")},
		"doubled Session-Id":               {sid("a;1;1"), sid("b;2;2")},
		"empty Origin-Host":                {{Code: codeOriginHost, Flags: dict.M, Data: []byte{}}},
		"doubled Origin-Host":              {{Code: codeOriginHost, Data: []byte("a")}, {Code: codeOriginHost, Data: []byte("b")}},
		"empty User-Name":                  {{Code: codeUserName, Data: []byte{}}},
		"User-Name as an NAI":              {{Code: codeUserName, Data: []byte("0" + testIMSI + "@nai.example")}},
		"Origin-State-Id that grows":       {{Code: codeOriginStateID, Data: []byte{0xff, 0xff, 0xff, 0xff}}},
		"Route-Record in an answer":        {{Code: codeRouteRecord, Flags: dict.M, Data: []byte("dra.example")}},
		"unknown AVP with the M bit":       {{Code: 77777, Vendor: 5, Flags: dict.VM, Data: []byte{1, 2, 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			vectors, err := ask(t, aka.SchemeAKA, func(req wire.Message) wire.Message {
				bare := edit(t, good(req, 1), func(a wire.AVP) bool {
					return a.Is(codeSessionID, 0) || a.Is(codeOriginHost, 0) || a.Is(codeUserName, 0)
				})
				return edit(t, bare, nil, more...)
			})
			require.NoError(t, err)
			require.Len(t, vectors, 1)
		})
	}

	// Any order of AVPs, M bits all set or all clear.
	for name, flags := range map[string]uint8{"M bits set": wire.FlagMandatory, "M bits clear": 0} {
		t.Run("AVPs back to front, "+name, func(t *testing.T) {
			vectors, err := ask(t, aka.SchemeAKA, func(req wire.Message) wire.Message {
				return must(backToFront(t, good(req, 2), flags))
			})
			require.NoError(t, err)
			require.Len(t, vectors, 2)
			require.EqualValues(t, 1, vectors[0].RAND[0]>>4, "by number, not by place")
		})
	}

	t.Run("E bit and a refusal", func(t *testing.T) {
		for _, tt := range []struct {
			code  uint32
			flags uint8
		}{{3002, 0}, {3002, wire.FlagError}, {5012, 0}, {5012, wire.FlagError}} {
			_, err := ask(t, aka.SchemeAKA, func(req wire.Message) wire.Message {
				m := flagged(base(tt.code), tt.flags)
				return must(m.Encode(nil, req.Header()))
			})
			var re *ResultError
			require.ErrorAs(t, err, &re)
			require.Equal(t, tt.code, re.Code)
		}
	})

	t.Run("EAP-AKA' refused with 5006 or 5012", func(t *testing.T) {
		for _, m := range []MAA{exp(Vendor3GPP, 5006), exp(Vendor3GPP, 5012), base(5012)} {
			_, err := ask(t, aka.SchemeAKAPrime, func(req wire.Message) wire.Message { return must(m.Encode(nil, req.Header())) })
			requireOnly(t, err, aka.ErrSchemeNotSupported)
		}
	})

	t.Run("SIP-Item-Number from 0", func(t *testing.T) {
		vectors, err := ask(t, aka.SchemeAKA, func(req wire.Message) wire.Message {
			m := goodMAA(3)
			for i := range m.Items {
				m.Items[i].Number = uint32(i)
			}
			return must(m.Encode(nil, req.Header()))
		})
		require.NoError(t, err)
		require.Len(t, vectors, 3)
		require.EqualValues(t, 1, vectors[0].RAND[0]>>4)
	})
	t.Run("fewer vectors than asked, more, and than counted", func(t *testing.T) {
		for _, n := range []byte{1, 4} {
			node := &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) {
				m := goodMAA(n)
				m.NumberAuthItems = 3
				return m.Encode(nil, req.Header())
			}}
			vectors, err := NewClient(node, Config{VectorsPerRequest: 2}).Vectors(t.Context(), testRequest(aka.SchemeAKA))
			require.NoError(t, err)
			require.Len(t, vectors, int(n))
		}
	})
	t.Run("the count after the items, and no count", func(t *testing.T) {
		for _, more := range [][]wire.AVP{nil, {{Code: codeNumberAuthItems, Vendor: Vendor3GPP, Data: []byte{0, 0, 0, 2}}}} {
			vectors, err := ask(t, aka.SchemeAKA, func(req wire.Message) wire.Message {
				return edit(t, good(req, 2), is(codeNumberAuthItems, Vendor3GPP), more...)
			})
			require.NoError(t, err)
			require.Len(t, vectors, 2)
		}
	})

	t.Run("what an HSS insists on is in every request", func(t *testing.T) {
		for _, scheme := range []aka.Scheme{aka.SchemeAKA, aka.SchemeAKAPrime} {
			req := testRequest(scheme)
			req.Resync = &aka.Resync{}
			msg, err := NewClient(&fakeNode{}, Config{}).request(nil, &req, false)
			require.NoError(t, err)
			for _, code := range []uint32{codeVendorSpecificAppID, codeAuthSessionState, codeUserName} {
				_, ok := msg.Find(code, 0)
				require.True(t, ok, code)
			}
			for _, code := range []uint32{codeRATType, codeNumberAuthItems} {
				_, ok := msg.Find(code, Vendor3GPP)
				require.True(t, ok, code)
			}
			user, _ := msg.Find(codeUserName, 0)
			require.Equal(t, testIMSI, string(user.Data), "the bare IMSI")
			var m MAR
			require.NoError(t, m.Decode(msg))
			require.Len(t, m.Item.Authorization, 30)
		}
	})

	t.Run("no Destination-Host from an empty Origin-Host", func(t *testing.T) {
		var sent []wire.Message
		node := &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) {
			sent = append(sent, bytes.Clone(req))
			m := goodMAA(1)
			m.OriginHost = []byte{}
			return m.Encode(nil, req.Header())
		}}
		c := NewClient(node, Config{})
		for range 2 {
			_, err := c.Vectors(t.Context(), testRequest(aka.SchemeAKA))
			require.NoError(t, err)
		}
		for _, req := range sent {
			_, ok := req.Find(codeDestinationHost, 0)
			require.False(t, ok)
		}
	})
}

// TestFieldDeviationsOfSAA is the same for the profile.
func TestFieldDeviationsOfSAA(t *testing.T) {
	ask := func(t *testing.T, answer func(good wire.Message, req wire.Header) wire.Message) (Assignment, error) {
		t.Helper()
		node := &fakeNode{answer: func(_ context.Context, req wire.Message) (wire.Message, error) {
			m := SAA{ResultCode: ResultSuccess, OriginHost: []byte("hss1.example"), UserData: fullUserData()}
			good, err := m.Encode(nil, req.Header())
			require.NoError(t, err)
			return answer(good, req.Header()), nil
		}}
		return NewClient(node, Config{}).Assign(t.Context(), AssignmentRequest{IMSI: eap.MustParseIMSI(testIMSI), Type: Registration})
	}
	for name, more := range map[string][]wire.AVP{
		"no Session-Id and no Origin-Host": {},
		"empty Session-Id":                 {{Code: codeSessionID, Data: []byte{}}},
		"doubled Origin-Host":              {{Code: codeOriginHost, Data: []byte("a")}, {Code: codeOriginHost, Data: []byte("b")}},
		"User-Name as an NAI":              {{Code: codeUserName, Data: []byte("0" + testIMSI + "@nai.example")}},
		"Origin-State-Id that grows":       {{Code: codeOriginStateID, Data: []byte{0xff, 0xff, 0xff, 0xff}}},
		"Route-Record in an answer":        {{Code: codeRouteRecord, Flags: dict.M, Data: []byte("dra.example")}},
		"unknown AVP with the M bit":       {{Code: 77777, Vendor: 5, Flags: dict.VM, Data: []byte{1, 2, 3}}},
		"both results, one of them empty":  {{Code: codeExperimentalResult, Data: []byte{}}},
		"the profile twice":                {{Code: codeUserData, Vendor: Vendor3GPP}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ask(t, func(good wire.Message, _ wire.Header) wire.Message {
				bare := edit(t, good, func(a wire.AVP) bool { return a.Is(codeSessionID, 0) || a.Is(codeOriginHost, 0) })
				return edit(t, bare, nil, more...)
			})
			require.NoError(t, err)
			require.Equal(t, fullUserData(), got.UserData)
		})
	}
	for name, flags := range map[string]uint8{"M bits set": wire.FlagMandatory, "M bits clear": 0} {
		t.Run("AVPs back to front, "+name, func(t *testing.T) {
			got, err := ask(t, func(good wire.Message, _ wire.Header) wire.Message {
				msg, err := backToFront(t, good, flags)
				require.NoError(t, err)
				return msg
			})
			require.NoError(t, err)
			require.Equal(t, AccessAllowed, got.UserData.Access)
			require.Len(t, got.UserData.APNs, 2)
			require.Equal(t, WildcardAPN, got.UserData.APNs[0].APN, "in the order of the message")
			require.EqualValues(t, 20_000_000_000, got.UserData.AMBR.Downlink)
		})
	}
	for name, code := range map[string]uint32{"an answer of 32 octets": 5005, "base 5012": 5012, "3002 without the E bit": 3002} {
		t.Run(name, func(t *testing.T) {
			_, err := ask(t, func(_ wire.Message, req wire.Header) wire.Message {
				b := wire.NewBuilder(nil, wire.Header{Command: req.Command, Application: ApplicationID})
				b.Uint32(codeResultCode, 0, dict.M, code)
				m, err := b.Message()
				require.NoError(t, err)
				require.Len(t, m, 32)
				return m
			})
			var re *ResultError
			require.ErrorAs(t, err, &re)
			require.Equal(t, ResultError{Code: code, Assignment: Registration}, *re)
			requireOnly(t, err, aka.ErrUnavailable)
		})
	}
	t.Run("an agent's 3002 with the E bit", func(t *testing.T) {
		_, err := ask(t, func(wire.Message, wire.Header) wire.Message {
			return sample(t, "SAR answered 3002 UNABLE_TO_DELIVER by an agent (E bit)")
		})
		require.ErrorContains(t, err, `UNABLE_TO_DELIVER) from "dra1.example.net"`)
		requireOnly(t, err, aka.ErrUnavailable)
	})
}

// backToFront returns msg with its AVPs, and those of its items, in reverse
// order and with the M bits as in flags.
func backToFront(t *testing.T, msg wire.Message, flags uint8) (wire.Message, error) {
	t.Helper()
	b := wire.NewBuilder(nil, msg.Header())
	var put func(r wire.Reader)
	put = func(r wire.Reader) {
		var all []wire.AVP
		var a wire.AVP
		for r.Next(&a) {
			all = append(all, a)
		}
		require.NoError(t, r.Err())
		for _, a := range slices.Backward(all) {
			if d := lookup(a.Code, a.Vendor); d != nil && d.Type == dict.Grouped {
				g := b.Begin(a.Code, a.Vendor, flags)
				put(a.Group())
				b.End(g)
				continue
			}
			a.Flags = flags
			b.AVP(a)
		}
	}
	put(msg.AVPs())
	return b.Message()
}
