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
	// CommandServerAssignment is SAR and SAA (TS 29.273, clause 8.2.2.3).
	CommandServerAssignment = 301
	// CommandMultimediaAuth is MAR and MAA (TS 29.273, clause 8.2.2.1).
	CommandMultimediaAuth = 303
	// CommandRegistrationTermination is RTR and RTA (TS 29.273, clause
	// 8.2.2.4).
	CommandRegistrationTermination = 304
	// CommandPushProfile is PPR and PPA (TS 29.273, clause 8.2.2.5).
	CommandPushProfile = 305
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

	// Of SAR, SAA, PPR and the profile.
	codeSessionTimeout          = 27
	codeMIP6FeatureVector       = 124
	codeHomeAgentAddress        = 334
	codeHomeAgentHost           = 348
	codeSubscriptionID          = 443
	codeSubscriptionIDData      = 444
	codeSubscriptionIDType      = 450
	codeMIP6AgentInfo           = 486
	codeServiceSelection        = 493
	codeChargingCharacteristics = 13
	codeBandwidthDL             = 515
	codeBandwidthUL             = 516
	codeExtendedDL              = 554
	codeExtendedUL              = 555
	codeAssignmentType          = 614
	codeServedPartyAddress      = 848
	codeQCI                     = 1028
	codeARP                     = 1034
	codePriorityLevel           = 1046
	codePreemptionCapability    = 1047
	codePreemptionVulnerability = 1048
	codeIMEI                    = 1402
	codeSoftwareVersion         = 1403
	codeContextIdentifier       = 1423
	codeAPNOIReplacement        = 1427
	codeAPNConfiguration        = 1430
	codeQoSProfile              = 1431
	codeVPLMNDynamicAddress     = 1432
	codeAMBR                    = 1435
	codeGatewayAllocation       = 1438
	codeTraceCollectionEntity   = 1452
	codePDNType                 = 1456
	codeTraceData               = 1458
	codeTraceReference          = 1459
	codeTraceDepth              = 1462
	codeTraceNETypes            = 1463
	codeTraceInterfaces         = 1464
	codeTraceEvents             = 1465
	codeTraceOMC                = 1466
	codeSpecificAPNInfo         = 1472
	codeUserData                = 1500
	codeIPAccess                = 1501
	codeAPNAccess               = 1502
	codeTraceInfo               = 1505
	codePPRFlags                = 1508
	codeWLANIdentifier          = 1509
	codeTWANAccessInfo          = 1510
	codeAuthorizationFlags      = 1511
	codeTWANDefaultContext      = 1512
	codeSSID                    = 1524
	codeHESSID                  = 1525
	codeEmergencyServices       = 1538
	codeERPAuthorization        = 1541
	codeActiveAPN               = 1612
	codeUEUsageType             = 1680
	codeEmergencyInfo           = 1687
	codeCoreNetworkRestrictions = 1704
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
	unsigned64
	address
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

	avpSessionTimeout
	avpMIP6FeatureVector
	avpHomeAgentAddress
	avpHomeAgentHost
	avpSubscriptionID
	avpSubscriptionIDData
	avpSubscriptionIDType
	avpMIP6AgentInfo
	avpServiceSelection
	avpChargingCharacteristics
	avpBandwidthDL
	avpBandwidthUL
	avpExtendedDL
	avpExtendedUL
	avpAssignmentType
	avpServedPartyAddress
	avpQCI
	avpARP
	avpPriorityLevel
	avpPreemptionCapability
	avpPreemptionVulnerability
	avpIMEI
	avpSoftwareVersion
	avpContextIdentifier
	avpAPNOIReplacement
	avpAPNConfiguration
	avpQoSProfile
	avpVPLMNDynamicAddress
	avpAMBR
	avpGatewayAllocation
	avpTraceCollectionEntity
	avpPDNType
	avpTraceData
	avpTraceReference
	avpTraceDepth
	avpTraceNETypes
	avpTraceInterfaces
	avpTraceEvents
	avpTraceOMC
	avpSpecificAPNInfo
	avpUserData
	avpIPAccess
	avpAPNAccess
	avpTraceInfo
	avpPPRFlags
	avpWLANIdentifier
	avpTWANAccessInfo
	avpAuthorizationFlags
	avpTWANDefaultContext
	avpSSID
	avpHESSID
	avpEmergencyServices
	avpERPAuthorization
	avpActiveAPN
	avpUEUsageType
	avpEmergencyInfo
	avpCoreNetworkRestrictions
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

	avpSessionTimeout:          {codeSessionTimeout, 0, flagsM, unsigned32, "Session-Timeout", "RFC 6733 8.13"},
	avpMIP6FeatureVector:       {codeMIP6FeatureVector, 0, flagsM, unsigned64, "MIP6-Feature-Vector", "RFC 5447 4.2.5"},
	avpHomeAgentAddress:        {codeHomeAgentAddress, 0, flagsM, address, "MIP-Home-Agent-Address", "RFC 4004 7.4"},
	avpHomeAgentHost:           {codeHomeAgentHost, 0, flagsM, grouped, "MIP-Home-Agent-Host", "RFC 4004 7.11"},
	avpSubscriptionID:          {codeSubscriptionID, 0, flagsM, grouped, "Subscription-Id", "RFC 8506 8.46"},
	avpSubscriptionIDData:      {codeSubscriptionIDData, 0, flagsM, utf8String, "Subscription-Id-Data", "RFC 8506 8.48"},
	avpSubscriptionIDType:      {codeSubscriptionIDType, 0, flagsM, enumerated, "Subscription-Id-Type", "RFC 8506 8.47"},
	avpMIP6AgentInfo:           {codeMIP6AgentInfo, 0, flagsM, grouped, "MIP6-Agent-Info", "RFC 5447 4.2.1"},
	avpServiceSelection:        {codeServiceSelection, 0, flagsM, utf8String, "Service-Selection", "RFC 5778 6.2"},
	avpChargingCharacteristics: {codeChargingCharacteristics, Vendor3GPP, flagsVM, utf8String, "3GPP-Charging-Characteristics", "TS 29.061 16.4.7"},
	avpBandwidthDL:             {codeBandwidthDL, Vendor3GPP, flagsVM, unsigned32, "Max-Requested-Bandwidth-DL", "TS 29.214 5.3.14"},
	avpBandwidthUL:             {codeBandwidthUL, Vendor3GPP, flagsVM, unsigned32, "Max-Requested-Bandwidth-UL", "TS 29.214 5.3.15"},
	avpExtendedDL:              {codeExtendedDL, Vendor3GPP, flagsV, unsigned32, "Extended-Max-Requested-BW-DL", "TS 29.214 5.3.52"},
	avpExtendedUL:              {codeExtendedUL, Vendor3GPP, flagsV, unsigned32, "Extended-Max-Requested-BW-UL", "TS 29.214 5.3.53"},
	avpAssignmentType:          {codeAssignmentType, Vendor3GPP, flagsVM, enumerated, "Server-Assignment-Type", "TS 29.229 6.3.15"},
	avpServedPartyAddress:      {codeServedPartyAddress, Vendor3GPP, flagsVM, address, "Served-Party-IP-Address", "TS 32.299 7.2.187"},
	avpQCI:                     {codeQCI, Vendor3GPP, flagsVM, enumerated, "QoS-Class-Identifier", "TS 29.212 5.3.17"},
	avpARP:                     {codeARP, Vendor3GPP, flagsVM, grouped, "Allocation-Retention-Priority", "TS 29.212 5.3.32"},
	avpPriorityLevel:           {codePriorityLevel, Vendor3GPP, flagsVM, unsigned32, "Priority-Level", "TS 29.212 5.3.45"},
	avpPreemptionCapability:    {codePreemptionCapability, Vendor3GPP, flagsVM, enumerated, "Pre-emption-Capability", "TS 29.212 5.3.46"},
	avpPreemptionVulnerability: {codePreemptionVulnerability, Vendor3GPP, flagsVM, enumerated, "Pre-emption-Vulnerability", "TS 29.212 5.3.47"},
	avpIMEI:                    {codeIMEI, Vendor3GPP, flagsVM, utf8String, "IMEI", "TS 29.272 7.3.4"},
	avpSoftwareVersion:         {codeSoftwareVersion, Vendor3GPP, flagsVM, utf8String, "Software-Version", "TS 29.272 7.3.5"},
	avpContextIdentifier:       {codeContextIdentifier, Vendor3GPP, flagsVM, unsigned32, "Context-Identifier", "TS 29.272 7.3.27"},
	avpAPNOIReplacement:        {codeAPNOIReplacement, Vendor3GPP, flagsVM, utf8String, "APN-OI-Replacement", "TS 29.272 7.3.32"},
	avpAPNConfiguration:        {codeAPNConfiguration, Vendor3GPP, flagsVM, grouped, "APN-Configuration", "TS 29.273 8.2.3.7"},
	avpQoSProfile:              {codeQoSProfile, Vendor3GPP, flagsVM, grouped, "EPS-Subscribed-QoS-Profile", "TS 29.272 7.3.37"},
	avpVPLMNDynamicAddress:     {codeVPLMNDynamicAddress, Vendor3GPP, flagsVM, enumerated, "VPLMN-Dynamic-Address-Allowed", "TS 29.272 7.3.38"},
	avpAMBR:                    {codeAMBR, Vendor3GPP, flagsVM, grouped, "AMBR", "TS 29.272 7.3.41"},
	avpGatewayAllocation:       {codeGatewayAllocation, Vendor3GPP, flagsVM, enumerated, "PDN-GW-Allocation-Type", "TS 29.272 7.3.44"},
	avpTraceCollectionEntity:   {codeTraceCollectionEntity, Vendor3GPP, flagsVM, address, "Trace-Collection-Entity", "TS 29.272 7.3.98"},
	avpPDNType:                 {codePDNType, Vendor3GPP, flagsVM, enumerated, "PDN-Type", "TS 29.272 7.3.62"},
	avpTraceData:               {codeTraceData, Vendor3GPP, flagsVM, grouped, "Trace-Data", "TS 29.272 7.3.63"},
	avpTraceReference:          {codeTraceReference, Vendor3GPP, flagsVM, octetString, "Trace-Reference", "TS 29.272 7.3.64"},
	avpTraceDepth:              {codeTraceDepth, Vendor3GPP, flagsVM, enumerated, "Trace-Depth", "TS 29.272 7.3.67"},
	avpTraceNETypes:            {codeTraceNETypes, Vendor3GPP, flagsVM, octetString, "Trace-NE-Type-List", "TS 29.272 7.3.68"},
	avpTraceInterfaces:         {codeTraceInterfaces, Vendor3GPP, flagsVM, octetString, "Trace-Interface-List", "TS 29.272 7.3.69"},
	avpTraceEvents:             {codeTraceEvents, Vendor3GPP, flagsVM, octetString, "Trace-Event-List", "TS 29.272 7.3.70"},
	avpTraceOMC:                {codeTraceOMC, Vendor3GPP, flagsVM, octetString, "OMC-Id", "TS 29.272 7.3.71"},
	avpSpecificAPNInfo:         {codeSpecificAPNInfo, Vendor3GPP, flagsVM, grouped, "Specific-APN-Info", "TS 29.272 7.3.82"},
	avpUserData:                {codeUserData, Vendor3GPP, flagsVM, grouped, "Non-3GPP-User-Data", "TS 29.273 8.2.3.1"},
	avpIPAccess:                {codeIPAccess, Vendor3GPP, flagsV, enumerated, "Non-3GPP-IP-Access", "TS 29.273 8.2.3.3"},
	avpAPNAccess:               {codeAPNAccess, Vendor3GPP, flagsV, enumerated, "Non-3GPP-IP-Access-APN", "TS 29.273 8.2.3.4"},
	avpTraceInfo:               {codeTraceInfo, Vendor3GPP, flagsVM, grouped, "Trace-Info", "TS 29.273 8.2.3.13"},
	avpPPRFlags:                {codePPRFlags, Vendor3GPP, flagsVM, unsigned32, "PPR-Flags", "TS 29.273 8.2.3.17"},
	avpWLANIdentifier:          {codeWLANIdentifier, Vendor3GPP, flagsVM, grouped, "WLAN-Identifier", "TS 29.273 5.2.3.18"},
	avpTWANAccessInfo:          {codeTWANAccessInfo, Vendor3GPP, flagsV, grouped, "TWAN-Access-Info", "TS 29.273 8.2.3.19"},
	avpAuthorizationFlags:      {codeAuthorizationFlags, Vendor3GPP, flagsV, unsigned32, "Access-Authorization-Flags", "TS 29.273 8.2.3.20"},
	avpTWANDefaultContext:      {codeTWANDefaultContext, Vendor3GPP, flagsV, unsigned32, "TWAN-Default-APN-Context-Id", "TS 29.273 8.2.3.18"},
	avpSSID:                    {codeSSID, Vendor3GPP, flagsV, utf8String, "SSID", "TS 29.273 5.2.3.22"},
	avpHESSID:                  {codeHESSID, Vendor3GPP, flagsV, utf8String, "HESSID", "TS 29.273 5.2.3.23"},
	avpEmergencyServices:       {codeEmergencyServices, Vendor3GPP, flagsV, unsigned32, "Emergency-Services", "TS 29.273 7.2.3.4"},
	avpERPAuthorization:        {codeERPAuthorization, Vendor3GPP, flagsV, unsigned32, "ERP-Authorization", "TS 29.273 5.2.3.37"},
	avpActiveAPN:               {codeActiveAPN, Vendor3GPP, flagsVM, grouped, "Active-APN", "TS 29.272 7.3.127"},
	avpUEUsageType:             {codeUEUsageType, Vendor3GPP, flagsV, unsigned32, "UE-Usage-Type", "TS 29.272 7.3.202"},
	avpEmergencyInfo:           {codeEmergencyInfo, Vendor3GPP, flagsV, grouped, "Emergency-Info", "TS 29.272 7.3.210"},
	avpCoreNetworkRestrictions: {codeCoreNetworkRestrictions, Vendor3GPP, flagsV, unsigned32, "Core-Network-Restrictions", "TS 29.272 7.3.230"},
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
