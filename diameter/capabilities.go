package diameter

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/opentwag/twag/diameter/wire"
)

// capabilities is what a CER or CEA says of its sender.
type capabilities struct {
	host, realm   string
	product       string
	vendor        uint32
	firmware      uint32
	originStateID uint32
	applications  []Application
	relay         bool
	inbandOnly    bool // Inband-Security-Id is there, without NO_INBAND_SECURITY

	result       uint32 // of a CEA; 0 if it is missing
	errorMessage string
}

// baseLimits are for messages of the base protocol, whose groups they know.
// Failed-AVP is none of them: what is in there is broken.
var baseLimits = wire.Limits{Grouped: func(code, vendor uint32) bool {
	return vendor == 0 && (code == AVPVendorSpecificApplicationID || code == AVPProxyInfo || code == AVPExperimentalResult)
}}

// maxApplications bounds what is kept of a peer's list.
const maxApplications = 256

// parseCapabilities reads a CER or CEA. Vendor-Specific-Application-Id is read
// in any order, and a Vendor-Id in it may be missing: it takes no part in
// finding a common application (RFC 6733, section 5.3).
//
// The error is a [*ResultError] that fits a CEA.
func parseCapabilities(m wire.Message) (*capabilities, error) {
	c := new(capabilities)
	if err := wire.Check(m, baseLimits); err != nil {
		return nil, avpResult(err)
	}
	var a wire.AVP
	var inband, plain bool
	for r := m.AVPs(); r.Next(&a); {
		if a.Vendor != 0 {
			if a.Flags&wire.FlagMandatory != 0 && m.Header().IsRequest() {
				return nil, unsupportedAVP(a)
			}
			continue
		}
		var err error
		switch a.Code {
		case AVPOriginHost:
			c.host, err = identity(a)
		case AVPOriginRealm:
			c.realm, err = identity(a)
		case AVPProductName:
			c.product = printable(a.Data, 128)
		case AVPErrorMessage:
			c.errorMessage = printable(a.Data, 256)
		case AVPVendorID:
			c.vendor, err = a.Uint32()
		case AVPFirmwareRevision:
			c.firmware, err = a.Uint32()
		case AVPOriginStateID:
			c.originStateID, err = a.Uint32()
		case AVPResultCode:
			c.result, err = a.Uint32()
		case AVPInbandSecurityID:
			var v uint32
			v, err = a.Uint32()
			inband, plain = true, plain || v == 0
		case AVPAuthApplicationID, AVPAcctApplicationID:
			err = c.application(a, 0)
		case AVPVendorSpecificApplicationID:
			err = c.vendorSpecific(a)
		default:
			// Known or not is all the same to us, unless it has to be known.
			if a.Flags&wire.FlagMandatory != 0 && m.Header().IsRequest() && !isBaseAVP(a.Code) {
				return nil, unsupportedAVP(a)
			}
		}
		if err != nil {
			return nil, invalidAVP(a, err)
		}
	}
	c.inbandOnly = inband && !plain
	if c.host == "" {
		return nil, missingAVP(AVPOriginHost)
	}
	if c.realm == "" {
		return nil, missingAVP(AVPOriginRealm)
	}
	return c, nil
}

func (c *capabilities) vendorSpecific(a wire.AVP) error {
	g := a.Group()
	var vendor uint32
	var in wire.AVP
	for r := g; r.Next(&in); {
		if in.Is(AVPVendorID, 0) {
			v, err := in.Uint32()
			if err != nil {
				return err
			}
			vendor = v
		}
	}
	for g.Next(&in) {
		if in.Is(AVPAuthApplicationID, 0) || in.Is(AVPAcctApplicationID, 0) {
			if err := c.application(in, vendor); err != nil {
				return err
			}
		}
	}
	return g.Err()
}

func (c *capabilities) application(a wire.AVP, vendor uint32) error {
	id, err := a.Uint32()
	if err != nil {
		return err
	}
	c.relay = c.relay || id == ApplicationRelay
	if len(c.applications) < maxApplications {
		c.applications = append(c.applications, Application{ID: id, Vendor: vendor, Acct: a.Code == AVPAcctApplicationID})
	}
	return nil
}

// supports reports whether the peer takes requests of the application.
func (c *capabilities) supports(app uint32) bool {
	if c.relay {
		return true
	}
	for _, a := range c.applications {
		if a.ID == app {
			return true
		}
	}
	return false
}

// commonWith reports whether there is a common application. Vendors and the
// kind of application don't count (RFC 6733, section 5.3).
func (c *capabilities) commonWith(ours []Application) bool {
	for _, a := range ours {
		if a.ID == ApplicationRelay || c.supports(a.ID) {
			return true
		}
	}
	return false
}

// identity reads a DiameterIdentity.
func identity(a wire.AVP) (string, error) {
	if err := validIdentity(a.Data); err != nil {
		return "", err
	}
	return string(a.Data), nil
}

// printable returns at most max octets of b as text that is safe to log.
func printable(b []byte, max int) string {
	s := make([]byte, 0, min(len(b), max))
	for _, c := range b[:min(len(b), max)] {
		if c < ' ' || c >= 0x7f {
			c = '?'
		}
		s = append(s, c)
	}
	return string(s)
}

// appendCapabilities appends the AVPs that CER and CEA have in common, from
// Origin-Host on.
func (n *Node) appendCapabilities(w *wire.Builder, local net.Addr) {
	n.appendOrigin(w)
	ips := n.cfg.HostIPs
	if len(ips) == 0 {
		ips = []netip.Addr{addrIP(local)}
	}
	for _, ip := range ips {
		w.Octets(AVPHostIPAddress, 0, wire.FlagMandatory, appendAddress(nil, ip))
	}
	w.Uint32(AVPVendorID, 0, wire.FlagMandatory, n.cfg.VendorID)
	w.String(AVPProductName, 0, 0, n.cfg.ProductName)
	w.Uint32(AVPOriginStateID, 0, wire.FlagMandatory, n.cfg.OriginStateID)
	seen := make(map[uint32]bool)
	for _, a := range n.cfg.Applications {
		if a.Vendor != 0 && !seen[a.Vendor] {
			seen[a.Vendor] = true
			w.Uint32(AVPSupportedVendorID, 0, wire.FlagMandatory, a.Vendor)
		}
	}
	for _, a := range n.cfg.Applications {
		code := uint32(AVPAuthApplicationID)
		if a.Acct {
			code = AVPAcctApplicationID
		}
		if a.Vendor == 0 {
			w.Uint32(code, 0, wire.FlagMandatory, a.ID)
			continue
		}
		g := w.Begin(AVPVendorSpecificApplicationID, 0, wire.FlagMandatory)
		w.Uint32(AVPVendorID, 0, wire.FlagMandatory, a.Vendor)
		w.Uint32(code, 0, wire.FlagMandatory, a.ID)
		w.End(g)
	}
	if n.cfg.FirmwareRevision != 0 {
		w.Uint32(AVPFirmwareRevision, 0, 0, n.cfg.FirmwareRevision)
	}
}

// appendOrigin appends Origin-Host and Origin-Realm.
func (n *Node) appendOrigin(w *wire.Builder) {
	w.String(AVPOriginHost, 0, wire.FlagMandatory, n.cfg.OriginHost)
	w.String(AVPOriginRealm, 0, wire.FlagMandatory, n.cfg.OriginRealm)
}

// appendAddress appends the value of an Address AVP (RFC 6733, section 4.3.1).
func appendAddress(b []byte, ip netip.Addr) []byte {
	if ip = ip.Unmap(); ip.Is4() {
		return append(append(b, 0, 1), ip.AsSlice()...)
	}
	return append(append(b, 0, 2), ip.WithZone("").AsSlice()...)
}

// addrIP returns the address of a, or the loopback address where there is
// none, as on a pipe: the AVP is mandatory.
func addrIP(a net.Addr) netip.Addr {
	if a != nil {
		if ap, err := netip.ParseAddrPort(a.String()); err == nil {
			return ap.Addr()
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func unsupportedAVP(a wire.AVP) error {
	return &ResultError{
		Code:    ResultAVPUnsupported,
		Message: fmt.Sprintf("AVP %d of vendor %d is not known", a.Code, a.Vendor),
		Failed:  failedAVP(a, a.Data),
	}
}

func missingAVP(code uint32) error {
	return &ResultError{
		Code:    ResultMissingAVP,
		Message: fmt.Sprintf("AVP %d is missing", code),
		Failed:  failedAVP(wire.AVP{Code: code, Flags: wire.FlagMandatory}, make([]byte, minimumLen(code, 0))),
	}
}
