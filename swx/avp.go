package swx

import (
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/dict"
)

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
var avps = [...]dict.AVP{
	avpUserName:             dict.Row(codeUserName, 0, dict.M, dict.UTF8String, "User-Name", "RFC 6733 8.14"),
	avpProxyState:           dict.Row(codeProxyState, 0, dict.M, dict.OctetString, "Proxy-State", "RFC 6733 6.7.4"),
	avpAuthApplicationID:    dict.Row(codeAuthApplicationID, 0, dict.M, dict.Unsigned32, "Auth-Application-Id", "RFC 6733 6.8"),
	avpVendorSpecificAppID:  dict.Row(codeVendorSpecificAppID, 0, dict.M, dict.Grouped, "Vendor-Specific-Application-Id", "RFC 6733 6.11"),
	avpSessionID:            dict.Row(codeSessionID, 0, dict.M, dict.UTF8String, "Session-Id", "RFC 6733 8.8"),
	avpOriginHost:           dict.Row(codeOriginHost, 0, dict.M, dict.DiameterIdentity, "Origin-Host", "RFC 6733 6.3"),
	avpVendorID:             dict.Row(codeVendorID, 0, dict.M, dict.Unsigned32, "Vendor-Id", "RFC 6733 5.3.3"),
	avpResultCode:           dict.Row(codeResultCode, 0, dict.M, dict.Unsigned32, "Result-Code", "RFC 6733 7.1"),
	avpAuthSessionState:     dict.Row(codeAuthSessionState, 0, dict.M, dict.Enumerated, "Auth-Session-State", "RFC 6733 8.11"),
	avpOriginStateID:        dict.Row(codeOriginStateID, 0, dict.M, dict.Unsigned32, "Origin-State-Id", "RFC 6733 8.16"),
	avpFailedAVP:            dict.Row(codeFailedAVP, 0, dict.M, dict.Grouped, "Failed-AVP", "RFC 6733 7.5"),
	avpRouteRecord:          dict.Row(codeRouteRecord, 0, dict.M, dict.DiameterIdentity, "Route-Record", "RFC 6733 6.7.1"),
	avpDestinationRealm:     dict.Row(codeDestinationRealm, 0, dict.M, dict.DiameterIdentity, "Destination-Realm", "RFC 6733 6.6"),
	avpProxyInfo:            dict.Row(codeProxyInfo, 0, dict.M, dict.Grouped, "Proxy-Info", "RFC 6733 6.7.2"),
	avpDestinationHost:      dict.Row(codeDestinationHost, 0, dict.M, dict.DiameterIdentity, "Destination-Host", "RFC 6733 6.5"),
	avpOriginRealm:          dict.Row(codeOriginRealm, 0, dict.M, dict.DiameterIdentity, "Origin-Realm", "RFC 6733 6.4"),
	avpExperimentalResult:   dict.Row(codeExperimentalResult, 0, dict.M, dict.Grouped, "Experimental-Result", "RFC 6733 7.6"),
	avpExperimentalCode:     dict.Row(codeExperimentalCode, 0, dict.M, dict.Unsigned32, "Experimental-Result-Code", "RFC 6733 7.7"),
	avpDRMP:                 dict.Row(codeDRMP, 0, 0, dict.Enumerated, "DRMP", "RFC 7944 9.1"),
	avpAAAServerName:        dict.Row(codeAAAServerName, Vendor3GPP, dict.VM, dict.DiameterIdentity, "3GPP-AAA-Server-Name", "TS 29.273 8.2.3.24"),
	avpVisitedNetwork:       dict.Row(codeVisitedNetwork, Vendor3GPP, dict.VM, dict.OctetString, "Visited-Network-Identifier", "TS 29.273 9.2.3.1.2"),
	avpNumberAuthItems:      dict.Row(codeNumberAuthItems, Vendor3GPP, dict.VM, dict.Unsigned32, "SIP-Number-Auth-Items", "TS 29.229 6.3.8"),
	avpAuthenticationScheme: dict.Row(codeAuthenticationScheme, Vendor3GPP, dict.VM, dict.UTF8String, "SIP-Authentication-Scheme", "TS 29.229 6.3.9"),
	avpAuthenticate:         dict.Row(codeAuthenticate, Vendor3GPP, dict.VM, dict.OctetString, "SIP-Authenticate", "TS 29.229 6.3.10"),
	avpAuthorization:        dict.Row(codeAuthorization, Vendor3GPP, dict.VM, dict.OctetString, "SIP-Authorization", "TS 29.229 6.3.11"),
	avpAuthDataItem:         dict.Row(codeAuthDataItem, Vendor3GPP, dict.VM, dict.Grouped, "SIP-Auth-Data-Item", "TS 29.229 6.3.13"),
	avpItemNumber:           dict.Row(codeItemNumber, Vendor3GPP, dict.VM, dict.Unsigned32, "SIP-Item-Number", "TS 29.229 6.3.14"),
	avpDeregistrationReason: dict.Row(codeDeregistrationReason, Vendor3GPP, dict.VM, dict.Grouped, "Deregistration-Reason", "TS 29.229 6.3.16"),
	avpReasonCode:           dict.Row(codeReasonCode, Vendor3GPP, dict.VM, dict.Enumerated, "Reason-Code", "TS 29.229 6.3.17"),
	avpReasonInfo:           dict.Row(codeReasonInfo, Vendor3GPP, dict.VM, dict.UTF8String, "Reason-Info", "TS 29.229 6.3.18"),
	avpOCSupportedFeatures:  dict.Row(codeOCSupportedFeatures, 0, 0, dict.Grouped, "OC-Supported-Features", "RFC 7683 7.1"),
	avpConfidentialityKey:   dict.Row(codeConfidentialityKey, Vendor3GPP, dict.VM, dict.OctetString, "Confidentiality-Key", "TS 29.229 6.3.27"),
	avpIntegrityKey:         dict.Row(codeIntegrityKey, Vendor3GPP, dict.VM, dict.OctetString, "Integrity-Key", "TS 29.229 6.3.28"),
	avpSupportedFeatures:    dict.Row(codeSupportedFeatures, Vendor3GPP, dict.V, dict.Grouped, "Supported-Features", "TS 29.229 6.3.29"),
	avpRATType:              dict.Row(codeRATType, Vendor3GPP, dict.V, dict.Enumerated, "RAT-Type", "TS 29.212 5.3.31"),
	avpTerminalInformation:  dict.Row(codeTerminalInformation, Vendor3GPP, dict.VM, dict.Grouped, "Terminal-Information", "TS 29.272 7.3.3"),
	avpANID:                 dict.Row(codeANID, Vendor3GPP, dict.VM, dict.UTF8String, "ANID", "TS 29.273 5.2.3.7"),
	avpAAAFailureIndication: dict.Row(codeAAAFailureIndication, Vendor3GPP, dict.V, dict.Unsigned32, "AAA-Failure-Indication", "TS 29.273 8.2.3.21"),

	avpSessionTimeout:          dict.Row(codeSessionTimeout, 0, dict.M, dict.Unsigned32, "Session-Timeout", "RFC 6733 8.13"),
	avpMIP6FeatureVector:       dict.Row(codeMIP6FeatureVector, 0, dict.M, dict.Unsigned64, "MIP6-Feature-Vector", "RFC 5447 4.2.5"),
	avpHomeAgentAddress:        dict.Row(codeHomeAgentAddress, 0, dict.M, dict.Address, "MIP-Home-Agent-Address", "RFC 4004 7.4"),
	avpHomeAgentHost:           dict.Row(codeHomeAgentHost, 0, dict.M, dict.Grouped, "MIP-Home-Agent-Host", "RFC 4004 7.11"),
	avpSubscriptionID:          dict.Row(codeSubscriptionID, 0, dict.M, dict.Grouped, "Subscription-Id", "RFC 8506 8.46"),
	avpSubscriptionIDData:      dict.Row(codeSubscriptionIDData, 0, dict.M, dict.UTF8String, "Subscription-Id-Data", "RFC 8506 8.48"),
	avpSubscriptionIDType:      dict.Row(codeSubscriptionIDType, 0, dict.M, dict.Enumerated, "Subscription-Id-Type", "RFC 8506 8.47"),
	avpMIP6AgentInfo:           dict.Row(codeMIP6AgentInfo, 0, dict.M, dict.Grouped, "MIP6-Agent-Info", "RFC 5447 4.2.1"),
	avpServiceSelection:        dict.Row(codeServiceSelection, 0, dict.M, dict.UTF8String, "Service-Selection", "RFC 5778 6.2"),
	avpChargingCharacteristics: dict.Row(codeChargingCharacteristics, Vendor3GPP, dict.VM, dict.UTF8String, "3GPP-Charging-Characteristics", "TS 29.061 16.4.7"),
	avpBandwidthDL:             dict.Row(codeBandwidthDL, Vendor3GPP, dict.VM, dict.Unsigned32, "Max-Requested-Bandwidth-DL", "TS 29.214 5.3.14"),
	avpBandwidthUL:             dict.Row(codeBandwidthUL, Vendor3GPP, dict.VM, dict.Unsigned32, "Max-Requested-Bandwidth-UL", "TS 29.214 5.3.15"),
	avpExtendedDL:              dict.Row(codeExtendedDL, Vendor3GPP, dict.V, dict.Unsigned32, "Extended-Max-Requested-BW-DL", "TS 29.214 5.3.52"),
	avpExtendedUL:              dict.Row(codeExtendedUL, Vendor3GPP, dict.V, dict.Unsigned32, "Extended-Max-Requested-BW-UL", "TS 29.214 5.3.53"),
	avpAssignmentType:          dict.Row(codeAssignmentType, Vendor3GPP, dict.VM, dict.Enumerated, "Server-Assignment-Type", "TS 29.229 6.3.15"),
	avpServedPartyAddress:      dict.Row(codeServedPartyAddress, Vendor3GPP, dict.VM, dict.Address, "Served-Party-IP-Address", "TS 32.299 7.2.187"),
	avpQCI:                     dict.Row(codeQCI, Vendor3GPP, dict.VM, dict.Enumerated, "QoS-Class-Identifier", "TS 29.212 5.3.17"),
	avpARP:                     dict.Row(codeARP, Vendor3GPP, dict.VM, dict.Grouped, "Allocation-Retention-Priority", "TS 29.212 5.3.32"),
	avpPriorityLevel:           dict.Row(codePriorityLevel, Vendor3GPP, dict.VM, dict.Unsigned32, "Priority-Level", "TS 29.212 5.3.45"),
	avpPreemptionCapability:    dict.Row(codePreemptionCapability, Vendor3GPP, dict.VM, dict.Enumerated, "Pre-emption-Capability", "TS 29.212 5.3.46"),
	avpPreemptionVulnerability: dict.Row(codePreemptionVulnerability, Vendor3GPP, dict.VM, dict.Enumerated, "Pre-emption-Vulnerability", "TS 29.212 5.3.47"),
	avpIMEI:                    dict.Row(codeIMEI, Vendor3GPP, dict.VM, dict.UTF8String, "IMEI", "TS 29.272 7.3.4"),
	avpSoftwareVersion:         dict.Row(codeSoftwareVersion, Vendor3GPP, dict.VM, dict.UTF8String, "Software-Version", "TS 29.272 7.3.5"),
	avpContextIdentifier:       dict.Row(codeContextIdentifier, Vendor3GPP, dict.VM, dict.Unsigned32, "Context-Identifier", "TS 29.272 7.3.27"),
	avpAPNOIReplacement:        dict.Row(codeAPNOIReplacement, Vendor3GPP, dict.VM, dict.UTF8String, "APN-OI-Replacement", "TS 29.272 7.3.32"),
	avpAPNConfiguration:        dict.Row(codeAPNConfiguration, Vendor3GPP, dict.VM, dict.Grouped, "APN-Configuration", "TS 29.273 8.2.3.7"),
	avpQoSProfile:              dict.Row(codeQoSProfile, Vendor3GPP, dict.VM, dict.Grouped, "EPS-Subscribed-QoS-Profile", "TS 29.272 7.3.37"),
	avpVPLMNDynamicAddress:     dict.Row(codeVPLMNDynamicAddress, Vendor3GPP, dict.VM, dict.Enumerated, "VPLMN-Dynamic-Address-Allowed", "TS 29.272 7.3.38"),
	avpAMBR:                    dict.Row(codeAMBR, Vendor3GPP, dict.VM, dict.Grouped, "AMBR", "TS 29.272 7.3.41"),
	avpGatewayAllocation:       dict.Row(codeGatewayAllocation, Vendor3GPP, dict.VM, dict.Enumerated, "PDN-GW-Allocation-Type", "TS 29.272 7.3.44"),
	avpTraceCollectionEntity:   dict.Row(codeTraceCollectionEntity, Vendor3GPP, dict.VM, dict.Address, "Trace-Collection-Entity", "TS 29.272 7.3.98"),
	avpPDNType:                 dict.Row(codePDNType, Vendor3GPP, dict.VM, dict.Enumerated, "PDN-Type", "TS 29.272 7.3.62"),
	avpTraceData:               dict.Row(codeTraceData, Vendor3GPP, dict.VM, dict.Grouped, "Trace-Data", "TS 29.272 7.3.63"),
	avpTraceReference:          dict.Row(codeTraceReference, Vendor3GPP, dict.VM, dict.OctetString, "Trace-Reference", "TS 29.272 7.3.64"),
	avpTraceDepth:              dict.Row(codeTraceDepth, Vendor3GPP, dict.VM, dict.Enumerated, "Trace-Depth", "TS 29.272 7.3.67"),
	avpTraceNETypes:            dict.Row(codeTraceNETypes, Vendor3GPP, dict.VM, dict.OctetString, "Trace-NE-Type-List", "TS 29.272 7.3.68"),
	avpTraceInterfaces:         dict.Row(codeTraceInterfaces, Vendor3GPP, dict.VM, dict.OctetString, "Trace-Interface-List", "TS 29.272 7.3.69"),
	avpTraceEvents:             dict.Row(codeTraceEvents, Vendor3GPP, dict.VM, dict.OctetString, "Trace-Event-List", "TS 29.272 7.3.70"),
	avpTraceOMC:                dict.Row(codeTraceOMC, Vendor3GPP, dict.VM, dict.OctetString, "OMC-Id", "TS 29.272 7.3.71"),
	avpSpecificAPNInfo:         dict.Row(codeSpecificAPNInfo, Vendor3GPP, dict.VM, dict.Grouped, "Specific-APN-Info", "TS 29.272 7.3.82"),
	avpUserData:                dict.Row(codeUserData, Vendor3GPP, dict.VM, dict.Grouped, "Non-3GPP-User-Data", "TS 29.273 8.2.3.1"),
	avpIPAccess:                dict.Row(codeIPAccess, Vendor3GPP, dict.V, dict.Enumerated, "Non-3GPP-IP-Access", "TS 29.273 8.2.3.3"),
	avpAPNAccess:               dict.Row(codeAPNAccess, Vendor3GPP, dict.V, dict.Enumerated, "Non-3GPP-IP-Access-APN", "TS 29.273 8.2.3.4"),
	avpTraceInfo:               dict.Row(codeTraceInfo, Vendor3GPP, dict.VM, dict.Grouped, "Trace-Info", "TS 29.273 8.2.3.13"),
	avpPPRFlags:                dict.Row(codePPRFlags, Vendor3GPP, dict.VM, dict.Unsigned32, "PPR-Flags", "TS 29.273 8.2.3.17"),
	avpWLANIdentifier:          dict.Row(codeWLANIdentifier, Vendor3GPP, dict.VM, dict.Grouped, "WLAN-Identifier", "TS 29.273 5.2.3.18"),
	avpTWANAccessInfo:          dict.Row(codeTWANAccessInfo, Vendor3GPP, dict.V, dict.Grouped, "TWAN-Access-Info", "TS 29.273 8.2.3.19"),
	avpAuthorizationFlags:      dict.Row(codeAuthorizationFlags, Vendor3GPP, dict.V, dict.Unsigned32, "Access-Authorization-Flags", "TS 29.273 8.2.3.20"),
	avpTWANDefaultContext:      dict.Row(codeTWANDefaultContext, Vendor3GPP, dict.V, dict.Unsigned32, "TWAN-Default-APN-Context-Id", "TS 29.273 8.2.3.18"),
	avpSSID:                    dict.Row(codeSSID, Vendor3GPP, dict.V, dict.UTF8String, "SSID", "TS 29.273 5.2.3.22"),
	avpHESSID:                  dict.Row(codeHESSID, Vendor3GPP, dict.V, dict.UTF8String, "HESSID", "TS 29.273 5.2.3.23"),
	avpEmergencyServices:       dict.Row(codeEmergencyServices, Vendor3GPP, dict.V, dict.Unsigned32, "Emergency-Services", "TS 29.273 7.2.3.4"),
	avpERPAuthorization:        dict.Row(codeERPAuthorization, Vendor3GPP, dict.V, dict.Unsigned32, "ERP-Authorization", "TS 29.273 5.2.3.37"),
	avpActiveAPN:               dict.Row(codeActiveAPN, Vendor3GPP, dict.VM, dict.Grouped, "Active-APN", "TS 29.272 7.3.127"),
	avpUEUsageType:             dict.Row(codeUEUsageType, Vendor3GPP, dict.V, dict.Unsigned32, "UE-Usage-Type", "TS 29.272 7.3.202"),
	avpEmergencyInfo:           dict.Row(codeEmergencyInfo, Vendor3GPP, dict.V, dict.Grouped, "Emergency-Info", "TS 29.272 7.3.210"),
	avpCoreNetworkRestrictions: dict.Row(codeCoreNetworkRestrictions, Vendor3GPP, dict.V, dict.Unsigned32, "Core-Network-Restrictions", "TS 29.272 7.3.230"),
}

// lookup returns what is known of the AVP, or nil.
func lookup(code, vendor uint32) *dict.AVP { return dict.Find(avps[:], code, vendor) }

// checkUnknown refuses an AVP that is unknown and mandatory (RFC 6733, section
// 4.1).
func checkUnknown(a wire.AVP) error {
	if !dict.Accepts(avps[:], a) {
		return badAVP(a, ResultAVPUnsupported, errUnknownAVP)
	}
	return nil
}
