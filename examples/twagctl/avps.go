package main

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fiorix/go-diameter/v4/diam/datatype"

	"github.com/opentwag/twag/diameter"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/swx"
)

// avp is an AVP as people read it.
type avp struct {
	Name   string `json:"name,omitempty"`
	Code   uint32 `json:"code"`
	Vendor uint32 `json:"vendor,omitempty"`
	Value  string `json:"value,omitempty"`
	AVPs   []avp  `json:"avps,omitempty"`
}

// secret are the AVPs that are good for impersonating a subscriber or reading
// his traffic: XRES, CK, IK. RAND and AUTN go over the air in clear.
var secret = map[uint32]bool{610: true, 625: true, 626: true}

const (
	vendor3GPP = 10415
	// maxNesting bounds how deep groups are looked into.
	maxNesting = 16
)

// decodeAVPs decodes all AVPs of a message.
func decodeAVPs(m wire.Message, showSecret bool) []avp {
	if m == nil {
		return nil
	}
	return decodeList(m.AVPs(), m.Header().Application, showSecret, 0)
}

func decodeList(r wire.Reader, app uint32, showSecret bool, depth int) []avp {
	list := []avp{}
	var a wire.AVP
	for r.Next(&a) {
		list = append(list, decodeAVP(a, app, showSecret, depth))
	}
	if r.Err() != nil {
		list = append(list, avp{Name: "not an AVP", Value: hex.EncodeToString(r.Rest())})
	}
	return list
}

func decodeAVP(a wire.AVP, app uint32, showSecret bool, depth int) avp {
	out := avp{Code: a.Code, Vendor: a.Vendor}
	def, known := diameter.DefaultDictionary().Find(app, a.Code, a.Vendor)
	out.Name = def.Name
	switch {
	case a.Vendor == vendor3GPP && secret[a.Code] && !showSecret:
		out.Value = fmt.Sprintf("[redacted, %d octets]", len(a.Data))
	case known && def.Type == datatype.GroupedType && depth < maxNesting:
		out.AVPs = decodeList(a.Group(), app, showSecret, depth+1)
	default:
		out.Value = value(a, def.Type)
	}
	return out
}

// value returns the AVP's data in the notation of its type; in hexadecimal if
// it has none, or is not what the type says.
func value(a wire.AVP, t datatype.TypeID) string {
	switch t {
	case datatype.UTF8StringType, datatype.DiameterIdentityType, datatype.DiameterURIType:
		return printable(a.Data)
	case datatype.Unsigned32Type, datatype.EnumeratedType:
		if n, err := a.Uint32(); err == nil {
			return strconv.FormatUint(uint64(n), 10) + meaning(a, n)
		}
	case datatype.Integer32Type:
		if n, err := a.Uint32(); err == nil {
			return strconv.Itoa(int(int32(n)))
		}
	case datatype.Unsigned64Type:
		if n, err := a.Uint64(); err == nil {
			return strconv.FormatUint(n, 10)
		}
	case datatype.Integer64Type:
		if n, err := a.Uint64(); err == nil {
			return strconv.FormatInt(int64(n), 10)
		}
	case datatype.TimeType:
		if n, err := a.Uint32(); err == nil { // seconds since 1900, RFC 6733, section 4.3.1
			return time.Unix(int64(n)-2208988800, 0).UTC().Format(time.RFC3339)
		}
	case datatype.AddressType:
		if len(a.Data) > 2 {
			if ip, ok := netip.AddrFromSlice(a.Data[2:]); ok {
				return ip.String()
			}
		}
	case datatype.OctetStringType:
		if s := printable(a.Data); !strings.HasPrefix(s, `"`) {
			return s
		}
	}
	return "0x" + hex.EncodeToString(a.Data)
}

// meaning is the name of a number, in front of it a blank.
func meaning(a wire.AVP, n uint32) string {
	name := ""
	switch {
	case a.Is(614, vendor3GPP):
		name = swx.AssignmentType(n).String()
	case a.Is(1501, vendor3GPP) && n < 2:
		name = [...]string{"NON_3GPP_SUBSCRIPTION_ALLOWED", "NON_3GPP_SUBSCRIPTION_BARRED"}[n]
	case a.Is(diameter.AVPAuthSessionState, 0) && n < 2:
		name = [...]string{"STATE_MAINTAINED", "NO_STATE_MAINTAINED"}[n]
	}
	if name != "" {
		name = " " + name
	}
	return name
}

// printable is a text as it is, or in quotes if it is none that can be shown.
func printable(b []byte) string {
	s := string(b)
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return s
}

// writeAVPs writes a tree, one AVP a line.
func writeAVPs(b *strings.Builder, list []avp, depth int) {
	for _, a := range list {
		name := a.Name
		if name == "" {
			name = "AVP " + strconv.Itoa(int(a.Code))
			if a.Vendor != 0 {
				name += " of vendor " + strconv.Itoa(int(a.Vendor))
			}
		}
		line := fmt.Sprintf("%s%-*s %s", strings.Repeat("  ", depth), max(0, 42-2*depth), name, a.Value)
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
		writeAVPs(b, a.AVPs, depth+1)
	}
}
