package gy

import (
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/internal/dict"
)

// Identifiers of the application (RFC 8506, section 12.1).
const (
	// ApplicationID is Diameter Credit-Control's application identifier, which
	// Gy uses.
	ApplicationID = 4
	// Vendor3GPP is the vendor identifier of 3GPP.
	Vendor3GPP = 10415
)

// Command codes.
const (
	// CommandCreditControl is CCR and CCA (RFC 8506, section 3).
	CommandCreditControl = 272
	// CommandReAuth is RAR and RAA (RFC 6733, section 8.3).
	CommandReAuth = 258
	// CommandAbortSession is ASR and ASA (RFC 6733, section 8.5).
	CommandAbortSession = 274
)

// AVP codes. Where two vendors share a code, the table below tells them apart.
const (
	codeUserName                = 1
	codeFilterID                = 11
	codeCalledStationID         = 30
	codeProxyState              = 33
	codeAcctMultiSessionID      = 50
	codeEventTimestamp          = 55
	codeAuthApplicationID       = 258
	codeSessionID               = 263
	codeOriginHost              = 264
	codeResultCode              = 268
	codeOriginStateID           = 278
	codeFailedAVP               = 279
	codeRouteRecord             = 282
	codeDestinationRealm        = 283
	codeProxyInfo               = 284
	codeReAuthRequestType       = 285
	codeDestinationHost         = 293
	codeTerminationCause        = 295
	codeOriginRealm             = 296
	codeExperimentalResult      = 297
	codeExperimentalCode        = 298
	codeDRMP                    = 301
	codeCorrelationID           = 411
	codeInputOctets             = 412
	codeMoney                   = 413
	codeOutputOctets            = 414
	codeRequestNumber           = 415
	codeRequestType             = 416
	codeSpecificUnits           = 417
	codeSessionFailover         = 418
	codeSubSessionID            = 419
	codeTime                    = 420
	codeTotalOctets             = 421
	codeCurrency                = 425
	codeFailureHandling         = 427
	codeExponent                = 429
	codeFinalUnitIndication     = 430
	codeGrantedUnits            = 431
	codeRatingGroup             = 432
	codeRedirectAddressType     = 433
	codeRedirectServer          = 434
	codeRedirectServerAddress   = 435
	codeRequestedAction         = 436
	codeRequestedUnits          = 437
	codeRestrictionFilterRule   = 438
	codeServiceIdentifier       = 439
	codeServiceParameterInfo    = 440
	codeSubscriptionID          = 443
	codeSubscriptionData        = 444
	codeUnitValue               = 445
	codeUsedUnits               = 446
	codeValueDigits             = 447
	codeValidityTime            = 448
	codeFinalUnitAction         = 449
	codeSubscriptionType        = 450
	codeTariffTimeChange        = 451
	codeTariffChangeUsage       = 452
	codePoolIdentifier          = 453
	codeMultipleServices        = 455
	codeMSCC                    = 456
	codePoolReference           = 457
	codeUserEquipment           = 458
	codeUserEquipmentType       = 459
	codeUserEquipmentValue      = 460
	codeServiceContextID        = 461
	codeOCSupportedFeatures     = 621
	codeUserEquipmentExtension  = 653
	codeSubscriptionExtension   = 659
	codeRedirectServerExtension = 665
	codeRedirectURL             = 667
	codeRedirectSIPURI          = 668
	codeQoSFinalUnitIndication  = 669
	codeChargingID              = 2
	codeGGSNMCCMNC              = 9
	codeChargingCharacteristics = 13
	codeSGSNMCCMNC              = 18
	codeRATType                 = 21
	codeUserLocation            = 22
	codeMSTimeZone              = 23
	codeGGSNAddress             = 847
	codeTimeThreshold           = 868
	codeVolumeThreshold         = 869
	codeTriggerType             = 870
	codeQuotaHoldingTime        = 871
	codeReportingReason         = 872
	codeServiceInformation      = 873
	codePSInformation           = 874
	codeQuotaConsumptionTime    = 881
	codeUnitThreshold           = 1226
	codePDPAddress              = 1227
	codeSGSNAddress             = 1228
	codeTrigger                 = 1264
	codeSSID                    = 1524
	codeTWANUserLocation        = 2714
	codeBSSID                   = 2716
)

// of3GPP makes the key of an AVP of 3GPP from its code: decoders switch on
// vendor and code in one.
const of3GPP = Vendor3GPP << 32

// Places in the table avps, for what we send.
const (
	avpUserName = iota
	avpFilterID
	avpCalledStationID
	avpEventTimestamp
	avpAuthApplicationID
	avpSessionID
	avpOriginHost
	avpResultCode
	avpOriginStateID
	avpFailedAVP
	avpDestinationRealm
	avpProxyInfo
	avpReAuthRequestType
	avpDestinationHost
	avpTerminationCause
	avpOriginRealm
	avpExperimentalResult
	avpExperimentalCode
	avpInputOctets
	avpMoney
	avpOutputOctets
	avpRequestNumber
	avpRequestType
	avpSpecificUnits
	avpSessionFailover
	avpTime
	avpTotalOctets
	avpCurrency
	avpFailureHandling
	avpExponent
	avpFinalUnitIndication
	avpGrantedUnits
	avpRatingGroup
	avpRedirectAddressType
	avpRedirectServer
	avpRedirectServerAddress
	avpRequestedUnits
	avpRestrictionFilterRule
	avpServiceIdentifier
	avpSubscriptionID
	avpSubscriptionData
	avpUnitValue
	avpUsedUnits
	avpValueDigits
	avpValidityTime
	avpFinalUnitAction
	avpSubscriptionType
	avpTariffTimeChange
	avpTariffChangeUsage
	avpMultipleServices
	avpMSCC
	avpUserEquipment
	avpUserEquipmentType
	avpUserEquipmentValue
	avpServiceContextID
	avpChargingID
	avpGGSNMCCMNC
	avpChargingCharacteristics
	avpSGSNMCCMNC
	avpRATType
	avpUserLocation
	avpMSTimeZone
	avpGGSNAddress
	avpTimeThreshold
	avpVolumeThreshold
	avpQuotaHoldingTime
	avpReportingReason
	avpServiceInformation
	avpPSInformation
	avpQuotaConsumptionTime
	avpUnitThreshold
	avpPDPAddress
	avpSGSNAddress
	avpSSID
	avpTWANUserLocation
	avpBSSID
)

// avps is every AVP that we send, and behind them those that a request may
// bring with the M bit and that are passed over.
var avps = [...]dict.AVP{
	avpUserName:                dict.Row(codeUserName, 0, dict.M, dict.UTF8String, "User-Name", "RFC 6733 8.14"),
	avpFilterID:                dict.Row(codeFilterID, 0, dict.M, dict.UTF8String, "Filter-Id", "RFC 7155 4.4.6"),
	avpCalledStationID:         dict.Row(codeCalledStationID, 0, dict.M, dict.UTF8String, "Called-Station-Id", "RFC 7155 4.2.5"),
	avpEventTimestamp:          dict.Row(codeEventTimestamp, 0, dict.M, dict.Time, "Event-Timestamp", "RFC 6733 8.21"),
	avpAuthApplicationID:       dict.Row(codeAuthApplicationID, 0, dict.M, dict.Unsigned32, "Auth-Application-Id", "RFC 6733 6.8"),
	avpSessionID:               dict.Row(codeSessionID, 0, dict.M, dict.UTF8String, "Session-Id", "RFC 6733 8.8"),
	avpOriginHost:              dict.Row(codeOriginHost, 0, dict.M, dict.DiameterIdentity, "Origin-Host", "RFC 6733 6.3"),
	avpResultCode:              dict.Row(codeResultCode, 0, dict.M, dict.Unsigned32, "Result-Code", "RFC 6733 7.1"),
	avpOriginStateID:           dict.Row(codeOriginStateID, 0, dict.M, dict.Unsigned32, "Origin-State-Id", "RFC 6733 8.16"),
	avpFailedAVP:               dict.Row(codeFailedAVP, 0, dict.M, dict.Grouped, "Failed-AVP", "RFC 6733 7.5"),
	avpDestinationRealm:        dict.Row(codeDestinationRealm, 0, dict.M, dict.DiameterIdentity, "Destination-Realm", "RFC 6733 6.6"),
	avpProxyInfo:               dict.Row(codeProxyInfo, 0, dict.M, dict.Grouped, "Proxy-Info", "RFC 6733 6.7.2"),
	avpReAuthRequestType:       dict.Row(codeReAuthRequestType, 0, dict.M, dict.Enumerated, "Re-Auth-Request-Type", "RFC 6733 8.12"),
	avpDestinationHost:         dict.Row(codeDestinationHost, 0, dict.M, dict.DiameterIdentity, "Destination-Host", "RFC 6733 6.5"),
	avpTerminationCause:        dict.Row(codeTerminationCause, 0, dict.M, dict.Enumerated, "Termination-Cause", "RFC 6733 8.15"),
	avpOriginRealm:             dict.Row(codeOriginRealm, 0, dict.M, dict.DiameterIdentity, "Origin-Realm", "RFC 6733 6.4"),
	avpExperimentalResult:      dict.Row(codeExperimentalResult, 0, dict.M, dict.Grouped, "Experimental-Result", "RFC 6733 7.6"),
	avpExperimentalCode:        dict.Row(codeExperimentalCode, 0, dict.M, dict.Unsigned32, "Experimental-Result-Code", "RFC 6733 7.7"),
	avpInputOctets:             dict.Row(codeInputOctets, 0, dict.M, dict.Unsigned64, "CC-Input-Octets", "RFC 8506 8.24"),
	avpMoney:                   dict.Row(codeMoney, 0, dict.M, dict.Grouped, "CC-Money", "RFC 8506 8.22"),
	avpOutputOctets:            dict.Row(codeOutputOctets, 0, dict.M, dict.Unsigned64, "CC-Output-Octets", "RFC 8506 8.25"),
	avpRequestNumber:           dict.Row(codeRequestNumber, 0, dict.M, dict.Unsigned32, "CC-Request-Number", "RFC 8506 8.2"),
	avpRequestType:             dict.Row(codeRequestType, 0, dict.M, dict.Enumerated, "CC-Request-Type", "RFC 8506 8.3"),
	avpSpecificUnits:           dict.Row(codeSpecificUnits, 0, dict.M, dict.Unsigned64, "CC-Service-Specific-Units", "RFC 8506 8.26"),
	avpSessionFailover:         dict.Row(codeSessionFailover, 0, dict.M, dict.Enumerated, "CC-Session-Failover", "RFC 8506 8.4"),
	avpTime:                    dict.Row(codeTime, 0, dict.M, dict.Unsigned32, "CC-Time", "RFC 8506 8.21"),
	avpTotalOctets:             dict.Row(codeTotalOctets, 0, dict.M, dict.Unsigned64, "CC-Total-Octets", "RFC 8506 8.23"),
	avpCurrency:                dict.Row(codeCurrency, 0, dict.M, dict.Unsigned32, "Currency-Code", "RFC 8506 8.11"),
	avpFailureHandling:         dict.Row(codeFailureHandling, 0, dict.M, dict.Enumerated, "Credit-Control-Failure-Handling", "RFC 8506 8.14"),
	avpExponent:                dict.Row(codeExponent, 0, dict.M, dict.Unsigned32, "Exponent", "RFC 8506 8.9"),
	avpFinalUnitIndication:     dict.Row(codeFinalUnitIndication, 0, dict.M, dict.Grouped, "Final-Unit-Indication", "RFC 8506 8.34"),
	avpGrantedUnits:            dict.Row(codeGrantedUnits, 0, dict.M, dict.Grouped, "Granted-Service-Unit", "RFC 8506 8.17"),
	avpRatingGroup:             dict.Row(codeRatingGroup, 0, dict.M, dict.Unsigned32, "Rating-Group", "RFC 8506 8.29"),
	avpRedirectAddressType:     dict.Row(codeRedirectAddressType, 0, dict.M, dict.Enumerated, "Redirect-Address-Type", "RFC 8506 8.38"),
	avpRedirectServer:          dict.Row(codeRedirectServer, 0, dict.M, dict.Grouped, "Redirect-Server", "RFC 8506 8.37"),
	avpRedirectServerAddress:   dict.Row(codeRedirectServerAddress, 0, dict.M, dict.UTF8String, "Redirect-Server-Address", "RFC 8506 8.39"),
	avpRequestedUnits:          dict.Row(codeRequestedUnits, 0, dict.M, dict.Grouped, "Requested-Service-Unit", "RFC 8506 8.18"),
	avpRestrictionFilterRule:   dict.Row(codeRestrictionFilterRule, 0, dict.M, dict.OctetString, "Restriction-Filter-Rule", "RFC 8506 8.36"),
	avpServiceIdentifier:       dict.Row(codeServiceIdentifier, 0, dict.M, dict.Unsigned32, "Service-Identifier", "RFC 8506 8.28"),
	avpSubscriptionID:          dict.Row(codeSubscriptionID, 0, dict.M, dict.Grouped, "Subscription-Id", "RFC 8506 8.46"),
	avpSubscriptionData:        dict.Row(codeSubscriptionData, 0, dict.M, dict.UTF8String, "Subscription-Id-Data", "RFC 8506 8.48"),
	avpUnitValue:               dict.Row(codeUnitValue, 0, dict.M, dict.Grouped, "Unit-Value", "RFC 8506 8.8"),
	avpUsedUnits:               dict.Row(codeUsedUnits, 0, dict.M, dict.Grouped, "Used-Service-Unit", "RFC 8506 8.19"),
	avpValueDigits:             dict.Row(codeValueDigits, 0, dict.M, dict.Unsigned64, "Value-Digits", "RFC 8506 8.10"),
	avpValidityTime:            dict.Row(codeValidityTime, 0, dict.M, dict.Unsigned32, "Validity-Time", "RFC 8506 8.33"),
	avpFinalUnitAction:         dict.Row(codeFinalUnitAction, 0, dict.M, dict.Enumerated, "Final-Unit-Action", "RFC 8506 8.35"),
	avpSubscriptionType:        dict.Row(codeSubscriptionType, 0, dict.M, dict.Enumerated, "Subscription-Id-Type", "RFC 8506 8.47"),
	avpTariffTimeChange:        dict.Row(codeTariffTimeChange, 0, dict.M, dict.Time, "Tariff-Time-Change", "RFC 8506 8.20"),
	avpTariffChangeUsage:       dict.Row(codeTariffChangeUsage, 0, dict.M, dict.Enumerated, "Tariff-Change-Usage", "RFC 8506 8.27"),
	avpMultipleServices:        dict.Row(codeMultipleServices, 0, dict.M, dict.Enumerated, "Multiple-Services-Indicator", "RFC 8506 8.40"),
	avpMSCC:                    dict.Row(codeMSCC, 0, dict.M, dict.Grouped, "Multiple-Services-Credit-Control", "RFC 8506 8.16"),
	avpUserEquipment:           dict.Row(codeUserEquipment, 0, 0, dict.Grouped, "User-Equipment-Info", "RFC 8506 8.49"),
	avpUserEquipmentType:       dict.Row(codeUserEquipmentType, 0, 0, dict.Enumerated, "User-Equipment-Info-Type", "RFC 8506 8.50"),
	avpUserEquipmentValue:      dict.Row(codeUserEquipmentValue, 0, 0, dict.OctetString, "User-Equipment-Info-Value", "RFC 8506 8.51"),
	avpServiceContextID:        dict.Row(codeServiceContextID, 0, dict.M, dict.UTF8String, "Service-Context-Id", "RFC 8506 8.42"),
	avpChargingID:              dict.Row(codeChargingID, Vendor3GPP, dict.VM, dict.OctetString, "3GPP-Charging-Id", "TS 29.061 16.4.7.2"),
	avpGGSNMCCMNC:              dict.Row(codeGGSNMCCMNC, Vendor3GPP, dict.VM, dict.UTF8String, "3GPP-GGSN-MCC-MNC", "TS 29.061 16.4.7.2"),
	avpChargingCharacteristics: dict.Row(codeChargingCharacteristics, Vendor3GPP, dict.VM, dict.UTF8String, "3GPP-Charging-Characteristics", "TS 29.061 16.4.7.2"),
	avpSGSNMCCMNC:              dict.Row(codeSGSNMCCMNC, Vendor3GPP, dict.VM, dict.UTF8String, "3GPP-SGSN-MCC-MNC", "TS 29.061 16.4.7.2"),
	avpRATType:                 dict.Row(codeRATType, Vendor3GPP, dict.VM, dict.OctetString, "3GPP-RAT-Type", "TS 29.061 16.4.7.2"),
	avpUserLocation:            dict.Row(codeUserLocation, Vendor3GPP, dict.VM, dict.OctetString, "3GPP-User-Location-Info", "TS 29.061 16.4.7.2"),
	avpMSTimeZone:              dict.Row(codeMSTimeZone, Vendor3GPP, dict.VM, dict.OctetString, "3GPP-MS-TimeZone", "TS 29.061 16.4.7.2"),
	avpGGSNAddress:             dict.Row(codeGGSNAddress, Vendor3GPP, dict.VM, dict.Address, "GGSN-Address", "TS 32.299 7.2"),
	avpTimeThreshold:           dict.Row(codeTimeThreshold, Vendor3GPP, dict.VM, dict.Unsigned32, "Time-Quota-Threshold", "TS 32.299 7.2"),
	avpVolumeThreshold:         dict.Row(codeVolumeThreshold, Vendor3GPP, dict.VM, dict.Unsigned32, "Volume-Quota-Threshold", "TS 32.299 7.2"),
	avpQuotaHoldingTime:        dict.Row(codeQuotaHoldingTime, Vendor3GPP, dict.VM, dict.Unsigned32, "Quota-Holding-Time", "TS 32.299 7.2"),
	avpReportingReason:         dict.Row(codeReportingReason, Vendor3GPP, dict.VM, dict.Enumerated, "Reporting-Reason", "TS 32.299 7.2.175"),
	avpServiceInformation:      dict.Row(codeServiceInformation, Vendor3GPP, dict.VM, dict.Grouped, "Service-Information", "TS 32.299 7.2"),
	avpPSInformation:           dict.Row(codePSInformation, Vendor3GPP, dict.VM, dict.Grouped, "PS-Information", "TS 32.299 7.2"),
	avpQuotaConsumptionTime:    dict.Row(codeQuotaConsumptionTime, Vendor3GPP, dict.VM, dict.Unsigned32, "Quota-Consumption-Time", "TS 32.299 7.2"),
	avpUnitThreshold:           dict.Row(codeUnitThreshold, Vendor3GPP, dict.VM, dict.Unsigned32, "Unit-Quota-Threshold", "TS 32.299 7.2"),
	avpPDPAddress:              dict.Row(codePDPAddress, Vendor3GPP, dict.VM, dict.Address, "PDP-Address", "TS 32.299 7.2"),
	avpSGSNAddress:             dict.Row(codeSGSNAddress, Vendor3GPP, dict.VM, dict.Address, "SGSN-Address", "TS 32.299 7.2"),
	avpSSID:                    dict.Row(codeSSID, Vendor3GPP, dict.V, dict.UTF8String, "SSID", "TS 29.273 5.2.3"),
	avpTWANUserLocation:        dict.Row(codeTWANUserLocation, Vendor3GPP, dict.VM, dict.Grouped, "TWAN-User-Location-Info", "TS 32.299 7.2"),
	avpBSSID:                   dict.Row(codeBSSID, Vendor3GPP, dict.V, dict.UTF8String, "BSSID", "TS 32.299 7.2"),

	dict.Row(codeProxyState, 0, dict.M, dict.OctetString, "Proxy-State", "RFC 6733 6.7.4"),
	dict.Row(codeAcctMultiSessionID, 0, dict.M, dict.UTF8String, "Acct-Multi-Session-Id", "RFC 6733 9.8.5"),
	dict.Row(codeRouteRecord, 0, dict.M, dict.DiameterIdentity, "Route-Record", "RFC 6733 6.7.1"),
	dict.Row(codeDRMP, 0, 0, dict.Enumerated, "DRMP", "RFC 7944 9.1"),
	dict.Row(codeCorrelationID, 0, 0, dict.OctetString, "CC-Correlation-Id", "RFC 8506 8.1"),
	dict.Row(codeSubSessionID, 0, dict.M, dict.Unsigned64, "CC-Sub-Session-Id", "RFC 8506 8.5"),
	dict.Row(codeRequestedAction, 0, dict.M, dict.Enumerated, "Requested-Action", "RFC 8506 8.41"),
	dict.Row(codeServiceParameterInfo, 0, 0, dict.Grouped, "Service-Parameter-Info", "RFC 8506 8.43"),
	dict.Row(codePoolIdentifier, 0, dict.M, dict.Unsigned32, "G-S-U-Pool-Identifier", "RFC 8506 8.31"),
	dict.Row(codePoolReference, 0, dict.M, dict.Grouped, "G-S-U-Pool-Reference", "RFC 8506 8.30"),
	dict.Row(codeOCSupportedFeatures, 0, 0, dict.Grouped, "OC-Supported-Features", "RFC 7683 7.1"),
	dict.Row(codeUserEquipmentExtension, 0, 0, dict.Grouped, "User-Equipment-Info-Extension", "RFC 8506 8.52"),
	dict.Row(codeSubscriptionExtension, 0, 0, dict.Grouped, "Subscription-Id-Extension", "RFC 8506 8.58"),
	dict.Row(codeRedirectServerExtension, 0, 0, dict.Grouped, "Redirect-Server-Extension", "RFC 8506 8.64"),
	dict.Row(codeRedirectURL, 0, 0, dict.UTF8String, "Redirect-Address-URL", "RFC 8506 8.66"),
	dict.Row(codeRedirectSIPURI, 0, 0, dict.UTF8String, "Redirect-Address-SIP-URI", "RFC 8506 8.67"),
	dict.Row(codeQoSFinalUnitIndication, 0, 0, dict.Grouped, "QoS-Final-Unit-Indication", "RFC 8506 8.68"),
	dict.Row(codeTriggerType, Vendor3GPP, dict.VM, dict.Enumerated, "Trigger-Type", "TS 32.299 7.2"),
	dict.Row(codeTrigger, Vendor3GPP, dict.VM, dict.Grouped, "Trigger", "TS 32.299 7.2"),
}

// checkUnknown refuses an AVP that is unknown and mandatory (RFC 6733, section
// 4.1).
func checkUnknown(a wire.AVP) error {
	if !dict.Accepts(avps[:], a) {
		return badAVP(a, ResultAVPUnsupported, errUnknownAVP)
	}
	return nil
}
