package swx

import "github.com/opentwag/twag/diameter/wire"

// Identifiers of the application (TS 29.273, clause 8.2.1).
const (
	// ApplicationID is SWx's Diameter application identifier.
	ApplicationID = 16777265
	// Vendor3GPP is the vendor identifier of 3GPP.
	Vendor3GPP = 10415
)

// Command codes.
const (
	// CommandMultimediaAuth is MAR and MAA (TS 29.273, clause 8.2.2.1).
	CommandMultimediaAuth = 303
	// CommandRegistrationTermination is RTR and RTA (TS 29.273, clause
	// 8.2.2.4).
	CommandRegistrationTermination = 304
)

// AVP codes. Where two vendors share a code, the table below tells them apart.
const (
	codeUserName             = 1
	codeProxyState           = 33
	codeAuthApplicationID    = 258
	codeVendorSpecificAppID  = 260
	codeSessionID            = 263
	codeOriginHost           = 264
	codeVendorID             = 266
	codeResultCode           = 268
	codeAuthSessionState     = 277
	codeOriginStateID        = 278
	codeFailedAVP            = 279
	codeRouteRecord          = 282
	codeDestinationRealm     = 283
	codeProxyInfo            = 284
	codeDestinationHost      = 293
	codeOriginRealm          = 296
	codeExperimentalResult   = 297
	codeExperimentalCode     = 298
	codeDRMP                 = 301
	codeAAAServerName        = 318
	codeVisitedNetwork       = 600
	codeNumberAuthItems      = 607
	codeAuthenticationScheme = 608
	codeAuthenticate         = 609
	codeAuthorization        = 610
	codeAuthDataItem         = 612
	codeItemNumber           = 613
	codeDeregistrationReason = 615
	codeReasonCode           = 616
	codeReasonInfo           = 617
	codeOCSupportedFeatures  = 621
	codeConfidentialityKey   = 625
	codeIntegrityKey         = 626
	codeSupportedFeatures    = 628
	codeRATType              = 1032
	codeTerminalInformation  = 1401
	codeANID                 = 1504
	codeAAAFailureIndication = 1518
)

// of3GPP makes the key of an AVP of 3GPP from its code: decoders switch on
// vendor and code in one.
const of3GPP = Vendor3GPP << 32

// avpType is the data format of an AVP (RFC 6733, sections 4.2 and 4.3).
type avpType uint8

const (
	octetString avpType = iota
	utf8String
	diameterIdentity
	unsigned32
	enumerated
	grouped
)

// avpDef is what the standards say of one AVP. Flags are those that we send;
// what comes in may have M set or clear, since releases differ.
type avpDef struct {
	code, vendor uint32
	flags        uint8
	kind         avpType
	name, source string
}

const (
	flagsM  = wire.FlagMandatory
	flagsVM = wire.FlagVendor | wire.FlagMandatory
	flagsV  = wire.FlagVendor
)

// Places in the table avps.
const (
	avpUserName = iota
	avpProxyState
	avpAuthApplicationID
	avpVendorSpecificAppID
	avpSessionID
	avpOriginHost
	avpVendorID
	avpResultCode
	avpAuthSessionState
	avpOriginStateID
	avpFailedAVP
	avpRouteRecord
	avpDestinationRealm
	avpProxyInfo
	avpDestinationHost
	avpOriginRealm
	avpExperimentalResult
	avpExperimentalCode
	avpDRMP
	avpAAAServerName
	avpVisitedNetwork
	avpNumberAuthItems
	avpAuthenticationScheme
	avpAuthenticate
	avpAuthorization
	avpAuthDataItem
	avpItemNumber
	avpDeregistrationReason
	avpReasonCode
	avpReasonInfo
	avpOCSupportedFeatures
	avpConfidentialityKey
	avpIntegrityKey
	avpSupportedFeatures
	avpRATType
	avpTerminalInformation
	avpANID
	avpAAAFailureIndication
)

// avps is every AVP that our messages know.
var avps = [...]avpDef{
	avpUserName:             {codeUserName, 0, flagsM, utf8String, "User-Name", "RFC 6733 8.14"},
	avpProxyState:           {codeProxyState, 0, flagsM, octetString, "Proxy-State", "RFC 6733 6.7.4"},
	avpAuthApplicationID:    {codeAuthApplicationID, 0, flagsM, unsigned32, "Auth-Application-Id", "RFC 6733 6.8"},
	avpVendorSpecificAppID:  {codeVendorSpecificAppID, 0, flagsM, grouped, "Vendor-Specific-Application-Id", "RFC 6733 6.11"},
	avpSessionID:            {codeSessionID, 0, flagsM, utf8String, "Session-Id", "RFC 6733 8.8"},
	avpOriginHost:           {codeOriginHost, 0, flagsM, diameterIdentity, "Origin-Host", "RFC 6733 6.3"},
	avpVendorID:             {codeVendorID, 0, flagsM, unsigned32, "Vendor-Id", "RFC 6733 5.3.3"},
	avpResultCode:           {codeResultCode, 0, flagsM, unsigned32, "Result-Code", "RFC 6733 7.1"},
	avpAuthSessionState:     {codeAuthSessionState, 0, flagsM, enumerated, "Auth-Session-State", "RFC 6733 8.11"},
	avpOriginStateID:        {codeOriginStateID, 0, flagsM, unsigned32, "Origin-State-Id", "RFC 6733 8.16"},
	avpFailedAVP:            {codeFailedAVP, 0, flagsM, grouped, "Failed-AVP", "RFC 6733 7.5"},
	avpRouteRecord:          {codeRouteRecord, 0, flagsM, diameterIdentity, "Route-Record", "RFC 6733 6.7.1"},
	avpDestinationRealm:     {codeDestinationRealm, 0, flagsM, diameterIdentity, "Destination-Realm", "RFC 6733 6.6"},
	avpProxyInfo:            {codeProxyInfo, 0, flagsM, grouped, "Proxy-Info", "RFC 6733 6.7.2"},
	avpDestinationHost:      {codeDestinationHost, 0, flagsM, diameterIdentity, "Destination-Host", "RFC 6733 6.5"},
	avpOriginRealm:          {codeOriginRealm, 0, flagsM, diameterIdentity, "Origin-Realm", "RFC 6733 6.4"},
	avpExperimentalResult:   {codeExperimentalResult, 0, flagsM, grouped, "Experimental-Result", "RFC 6733 7.6"},
	avpExperimentalCode:     {codeExperimentalCode, 0, flagsM, unsigned32, "Experimental-Result-Code", "RFC 6733 7.7"},
	avpDRMP:                 {codeDRMP, 0, 0, enumerated, "DRMP", "RFC 7944 9.1"},
	avpAAAServerName:        {codeAAAServerName, Vendor3GPP, flagsVM, diameterIdentity, "3GPP-AAA-Server-Name", "TS 29.273 8.2.3.24"},
	avpVisitedNetwork:       {codeVisitedNetwork, Vendor3GPP, flagsVM, octetString, "Visited-Network-Identifier", "TS 29.273 9.2.3.1.2"},
	avpNumberAuthItems:      {codeNumberAuthItems, Vendor3GPP, flagsVM, unsigned32, "SIP-Number-Auth-Items", "TS 29.229 6.3.8"},
	avpAuthenticationScheme: {codeAuthenticationScheme, Vendor3GPP, flagsVM, utf8String, "SIP-Authentication-Scheme", "TS 29.229 6.3.9"},
	avpAuthenticate:         {codeAuthenticate, Vendor3GPP, flagsVM, octetString, "SIP-Authenticate", "TS 29.229 6.3.10"},
	avpAuthorization:        {codeAuthorization, Vendor3GPP, flagsVM, octetString, "SIP-Authorization", "TS 29.229 6.3.11"},
	avpAuthDataItem:         {codeAuthDataItem, Vendor3GPP, flagsVM, grouped, "SIP-Auth-Data-Item", "TS 29.229 6.3.13"},
	avpItemNumber:           {codeItemNumber, Vendor3GPP, flagsVM, unsigned32, "SIP-Item-Number", "TS 29.229 6.3.14"},
	avpDeregistrationReason: {codeDeregistrationReason, Vendor3GPP, flagsVM, grouped, "Deregistration-Reason", "TS 29.229 6.3.16"},
	avpReasonCode:           {codeReasonCode, Vendor3GPP, flagsVM, enumerated, "Reason-Code", "TS 29.229 6.3.17"},
	avpReasonInfo:           {codeReasonInfo, Vendor3GPP, flagsVM, utf8String, "Reason-Info", "TS 29.229 6.3.18"},
	avpOCSupportedFeatures:  {codeOCSupportedFeatures, 0, 0, grouped, "OC-Supported-Features", "RFC 7683 7.1"},
	avpConfidentialityKey:   {codeConfidentialityKey, Vendor3GPP, flagsVM, octetString, "Confidentiality-Key", "TS 29.229 6.3.27"},
	avpIntegrityKey:         {codeIntegrityKey, Vendor3GPP, flagsVM, octetString, "Integrity-Key", "TS 29.229 6.3.28"},
	avpSupportedFeatures:    {codeSupportedFeatures, Vendor3GPP, flagsV, grouped, "Supported-Features", "TS 29.229 6.3.29"},
	avpRATType:              {codeRATType, Vendor3GPP, flagsV, enumerated, "RAT-Type", "TS 29.212 5.3.31"},
	avpTerminalInformation:  {codeTerminalInformation, Vendor3GPP, flagsVM, grouped, "Terminal-Information", "TS 29.272 7.3.3"},
	avpANID:                 {codeANID, Vendor3GPP, flagsVM, utf8String, "ANID", "TS 29.273 5.2.3.7"},
	avpAAAFailureIndication: {codeAAAFailureIndication, Vendor3GPP, flagsV, unsigned32, "AAA-Failure-Indication", "TS 29.273 8.2.3.21"},
}

// lookup returns what is known of the AVP, or nil.
func lookup(code, vendor uint32) *avpDef {
	for i := range avps {
		if d := &avps[i]; d.code == code && d.vendor == vendor {
			return d
		}
	}
	return nil
}

// RAT types (TS 29.212, clause 5.3.31).
const ratWLAN = 0

// Auth-Session-State (RFC 6733, section 8.11).
const noStateMaintained = 1

// encoder is a builder that knows the AVPs of the table.
type encoder struct{ wire.Builder }

func (e *encoder) octets(avp int, v []byte) {
	d := &avps[avp]
	e.Octets(d.code, d.vendor, d.flags, v)
}

// optional appends the AVP unless v is nil.
func (e *encoder) optional(avp int, v []byte) {
	if v != nil {
		e.octets(avp, v)
	}
}

func (e *encoder) uint32(avp int, v uint32) {
	d := &avps[avp]
	e.Uint32(d.code, d.vendor, d.flags, v)
}

func (e *encoder) begin(avp int) (mark int) {
	d := &avps[avp]
	return e.Begin(d.code, d.vendor, d.flags)
}

// prologue appends what every SWx message begins with.
func (e *encoder) prologue(sessionID []byte) {
	e.optional(avpSessionID, sessionID)
	g := e.begin(avpVendorSpecificAppID)
	e.uint32(avpVendorID, Vendor3GPP)
	e.uint32(avpAuthApplicationID, ApplicationID)
	e.End(g)
	e.uint32(avpAuthSessionState, noStateMaintained)
}
