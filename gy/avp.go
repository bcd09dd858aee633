package gy

import "github.com/opentwag/twag/diameter/wire"

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

// avpType is the data format of an AVP (RFC 6733, sections 4.2 and 4.3).
type avpType uint8

const (
	octetString avpType = iota
	utf8String
	diameterIdentity
	unsigned32
	unsigned64
	enumerated
	address
	timestamp
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
var avps = [...]avpDef{
	avpUserName:                {codeUserName, 0, flagsM, utf8String, "User-Name", "RFC 6733 8.14"},
	avpFilterID:                {codeFilterID, 0, flagsM, utf8String, "Filter-Id", "RFC 7155 4.4.6"},
	avpCalledStationID:         {codeCalledStationID, 0, flagsM, utf8String, "Called-Station-Id", "RFC 7155 4.2.5"},
	avpEventTimestamp:          {codeEventTimestamp, 0, flagsM, timestamp, "Event-Timestamp", "RFC 6733 8.21"},
	avpAuthApplicationID:       {codeAuthApplicationID, 0, flagsM, unsigned32, "Auth-Application-Id", "RFC 6733 6.8"},
	avpSessionID:               {codeSessionID, 0, flagsM, utf8String, "Session-Id", "RFC 6733 8.8"},
	avpOriginHost:              {codeOriginHost, 0, flagsM, diameterIdentity, "Origin-Host", "RFC 6733 6.3"},
	avpResultCode:              {codeResultCode, 0, flagsM, unsigned32, "Result-Code", "RFC 6733 7.1"},
	avpOriginStateID:           {codeOriginStateID, 0, flagsM, unsigned32, "Origin-State-Id", "RFC 6733 8.16"},
	avpFailedAVP:               {codeFailedAVP, 0, flagsM, grouped, "Failed-AVP", "RFC 6733 7.5"},
	avpDestinationRealm:        {codeDestinationRealm, 0, flagsM, diameterIdentity, "Destination-Realm", "RFC 6733 6.6"},
	avpProxyInfo:               {codeProxyInfo, 0, flagsM, grouped, "Proxy-Info", "RFC 6733 6.7.2"},
	avpReAuthRequestType:       {codeReAuthRequestType, 0, flagsM, enumerated, "Re-Auth-Request-Type", "RFC 6733 8.12"},
	avpDestinationHost:         {codeDestinationHost, 0, flagsM, diameterIdentity, "Destination-Host", "RFC 6733 6.5"},
	avpTerminationCause:        {codeTerminationCause, 0, flagsM, enumerated, "Termination-Cause", "RFC 6733 8.15"},
	avpOriginRealm:             {codeOriginRealm, 0, flagsM, diameterIdentity, "Origin-Realm", "RFC 6733 6.4"},
	avpExperimentalResult:      {codeExperimentalResult, 0, flagsM, grouped, "Experimental-Result", "RFC 6733 7.6"},
	avpExperimentalCode:        {codeExperimentalCode, 0, flagsM, unsigned32, "Experimental-Result-Code", "RFC 6733 7.7"},
	avpInputOctets:             {codeInputOctets, 0, flagsM, unsigned64, "CC-Input-Octets", "RFC 8506 8.24"},
	avpMoney:                   {codeMoney, 0, flagsM, grouped, "CC-Money", "RFC 8506 8.22"},
	avpOutputOctets:            {codeOutputOctets, 0, flagsM, unsigned64, "CC-Output-Octets", "RFC 8506 8.25"},
	avpRequestNumber:           {codeRequestNumber, 0, flagsM, unsigned32, "CC-Request-Number", "RFC 8506 8.2"},
	avpRequestType:             {codeRequestType, 0, flagsM, enumerated, "CC-Request-Type", "RFC 8506 8.3"},
	avpSpecificUnits:           {codeSpecificUnits, 0, flagsM, unsigned64, "CC-Service-Specific-Units", "RFC 8506 8.26"},
	avpSessionFailover:         {codeSessionFailover, 0, flagsM, enumerated, "CC-Session-Failover", "RFC 8506 8.4"},
	avpTime:                    {codeTime, 0, flagsM, unsigned32, "CC-Time", "RFC 8506 8.21"},
	avpTotalOctets:             {codeTotalOctets, 0, flagsM, unsigned64, "CC-Total-Octets", "RFC 8506 8.23"},
	avpCurrency:                {codeCurrency, 0, flagsM, unsigned32, "Currency-Code", "RFC 8506 8.11"},
	avpFailureHandling:         {codeFailureHandling, 0, flagsM, enumerated, "Credit-Control-Failure-Handling", "RFC 8506 8.14"},
	avpExponent:                {codeExponent, 0, flagsM, unsigned32, "Exponent", "RFC 8506 8.9"},
	avpFinalUnitIndication:     {codeFinalUnitIndication, 0, flagsM, grouped, "Final-Unit-Indication", "RFC 8506 8.34"},
	avpGrantedUnits:            {codeGrantedUnits, 0, flagsM, grouped, "Granted-Service-Unit", "RFC 8506 8.17"},
	avpRatingGroup:             {codeRatingGroup, 0, flagsM, unsigned32, "Rating-Group", "RFC 8506 8.29"},
	avpRedirectAddressType:     {codeRedirectAddressType, 0, flagsM, enumerated, "Redirect-Address-Type", "RFC 8506 8.38"},
	avpRedirectServer:          {codeRedirectServer, 0, flagsM, grouped, "Redirect-Server", "RFC 8506 8.37"},
	avpRedirectServerAddress:   {codeRedirectServerAddress, 0, flagsM, utf8String, "Redirect-Server-Address", "RFC 8506 8.39"},
	avpRequestedUnits:          {codeRequestedUnits, 0, flagsM, grouped, "Requested-Service-Unit", "RFC 8506 8.18"},
	avpRestrictionFilterRule:   {codeRestrictionFilterRule, 0, flagsM, octetString, "Restriction-Filter-Rule", "RFC 8506 8.36"},
	avpServiceIdentifier:       {codeServiceIdentifier, 0, flagsM, unsigned32, "Service-Identifier", "RFC 8506 8.28"},
	avpSubscriptionID:          {codeSubscriptionID, 0, flagsM, grouped, "Subscription-Id", "RFC 8506 8.46"},
	avpSubscriptionData:        {codeSubscriptionData, 0, flagsM, utf8String, "Subscription-Id-Data", "RFC 8506 8.48"},
	avpUnitValue:               {codeUnitValue, 0, flagsM, grouped, "Unit-Value", "RFC 8506 8.8"},
	avpUsedUnits:               {codeUsedUnits, 0, flagsM, grouped, "Used-Service-Unit", "RFC 8506 8.19"},
	avpValueDigits:             {codeValueDigits, 0, flagsM, unsigned64, "Value-Digits", "RFC 8506 8.10"},
	avpValidityTime:            {codeValidityTime, 0, flagsM, unsigned32, "Validity-Time", "RFC 8506 8.33"},
	avpFinalUnitAction:         {codeFinalUnitAction, 0, flagsM, enumerated, "Final-Unit-Action", "RFC 8506 8.35"},
	avpSubscriptionType:        {codeSubscriptionType, 0, flagsM, enumerated, "Subscription-Id-Type", "RFC 8506 8.47"},
	avpTariffTimeChange:        {codeTariffTimeChange, 0, flagsM, timestamp, "Tariff-Time-Change", "RFC 8506 8.20"},
	avpTariffChangeUsage:       {codeTariffChangeUsage, 0, flagsM, enumerated, "Tariff-Change-Usage", "RFC 8506 8.27"},
	avpMultipleServices:        {codeMultipleServices, 0, flagsM, enumerated, "Multiple-Services-Indicator", "RFC 8506 8.40"},
	avpMSCC:                    {codeMSCC, 0, flagsM, grouped, "Multiple-Services-Credit-Control", "RFC 8506 8.16"},
	avpUserEquipment:           {codeUserEquipment, 0, 0, grouped, "User-Equipment-Info", "RFC 8506 8.49"},
	avpUserEquipmentType:       {codeUserEquipmentType, 0, 0, enumerated, "User-Equipment-Info-Type", "RFC 8506 8.50"},
	avpUserEquipmentValue:      {codeUserEquipmentValue, 0, 0, octetString, "User-Equipment-Info-Value", "RFC 8506 8.51"},
	avpServiceContextID:        {codeServiceContextID, 0, flagsM, utf8String, "Service-Context-Id", "RFC 8506 8.42"},
	avpChargingID:              {codeChargingID, Vendor3GPP, flagsVM, octetString, "3GPP-Charging-Id", "TS 29.061 16.4.7.2"},
	avpGGSNMCCMNC:              {codeGGSNMCCMNC, Vendor3GPP, flagsVM, utf8String, "3GPP-GGSN-MCC-MNC", "TS 29.061 16.4.7.2"},
	avpChargingCharacteristics: {codeChargingCharacteristics, Vendor3GPP, flagsVM, utf8String, "3GPP-Charging-Characteristics", "TS 29.061 16.4.7.2"},
	avpSGSNMCCMNC:              {codeSGSNMCCMNC, Vendor3GPP, flagsVM, utf8String, "3GPP-SGSN-MCC-MNC", "TS 29.061 16.4.7.2"},
	avpRATType:                 {codeRATType, Vendor3GPP, flagsVM, octetString, "3GPP-RAT-Type", "TS 29.061 16.4.7.2"},
	avpUserLocation:            {codeUserLocation, Vendor3GPP, flagsVM, octetString, "3GPP-User-Location-Info", "TS 29.061 16.4.7.2"},
	avpMSTimeZone:              {codeMSTimeZone, Vendor3GPP, flagsVM, octetString, "3GPP-MS-TimeZone", "TS 29.061 16.4.7.2"},
	avpGGSNAddress:             {codeGGSNAddress, Vendor3GPP, flagsVM, address, "GGSN-Address", "TS 32.299 7.2"},
	avpTimeThreshold:           {codeTimeThreshold, Vendor3GPP, flagsVM, unsigned32, "Time-Quota-Threshold", "TS 32.299 7.2"},
	avpVolumeThreshold:         {codeVolumeThreshold, Vendor3GPP, flagsVM, unsigned32, "Volume-Quota-Threshold", "TS 32.299 7.2"},
	avpQuotaHoldingTime:        {codeQuotaHoldingTime, Vendor3GPP, flagsVM, unsigned32, "Quota-Holding-Time", "TS 32.299 7.2"},
	avpReportingReason:         {codeReportingReason, Vendor3GPP, flagsVM, enumerated, "Reporting-Reason", "TS 32.299 7.2.175"},
	avpServiceInformation:      {codeServiceInformation, Vendor3GPP, flagsVM, grouped, "Service-Information", "TS 32.299 7.2"},
	avpPSInformation:           {codePSInformation, Vendor3GPP, flagsVM, grouped, "PS-Information", "TS 32.299 7.2"},
	avpQuotaConsumptionTime:    {codeQuotaConsumptionTime, Vendor3GPP, flagsVM, unsigned32, "Quota-Consumption-Time", "TS 32.299 7.2"},
	avpUnitThreshold:           {codeUnitThreshold, Vendor3GPP, flagsVM, unsigned32, "Unit-Quota-Threshold", "TS 32.299 7.2"},
	avpPDPAddress:              {codePDPAddress, Vendor3GPP, flagsVM, address, "PDP-Address", "TS 32.299 7.2"},
	avpSGSNAddress:             {codeSGSNAddress, Vendor3GPP, flagsVM, address, "SGSN-Address", "TS 32.299 7.2"},
	avpSSID:                    {codeSSID, Vendor3GPP, flagsV, utf8String, "SSID", "TS 29.273 5.2.3"},
	avpTWANUserLocation:        {codeTWANUserLocation, Vendor3GPP, flagsVM, grouped, "TWAN-User-Location-Info", "TS 32.299 7.2"},
	avpBSSID:                   {codeBSSID, Vendor3GPP, flagsV, utf8String, "BSSID", "TS 32.299 7.2"},

	{codeProxyState, 0, flagsM, octetString, "Proxy-State", "RFC 6733 6.7.4"},
	{codeAcctMultiSessionID, 0, flagsM, utf8String, "Acct-Multi-Session-Id", "RFC 6733 9.8.5"},
	{codeRouteRecord, 0, flagsM, diameterIdentity, "Route-Record", "RFC 6733 6.7.1"},
	{codeDRMP, 0, 0, enumerated, "DRMP", "RFC 7944 9.1"},
	{codeCorrelationID, 0, 0, octetString, "CC-Correlation-Id", "RFC 8506 8.1"},
	{codeSubSessionID, 0, flagsM, unsigned64, "CC-Sub-Session-Id", "RFC 8506 8.5"},
	{codeRequestedAction, 0, flagsM, enumerated, "Requested-Action", "RFC 8506 8.41"},
	{codeServiceParameterInfo, 0, 0, grouped, "Service-Parameter-Info", "RFC 8506 8.43"},
	{codePoolIdentifier, 0, flagsM, unsigned32, "G-S-U-Pool-Identifier", "RFC 8506 8.31"},
	{codePoolReference, 0, flagsM, grouped, "G-S-U-Pool-Reference", "RFC 8506 8.30"},
	{codeOCSupportedFeatures, 0, 0, grouped, "OC-Supported-Features", "RFC 7683 7.1"},
	{codeUserEquipmentExtension, 0, 0, grouped, "User-Equipment-Info-Extension", "RFC 8506 8.52"},
	{codeSubscriptionExtension, 0, 0, grouped, "Subscription-Id-Extension", "RFC 8506 8.58"},
	{codeRedirectServerExtension, 0, 0, grouped, "Redirect-Server-Extension", "RFC 8506 8.64"},
	{codeRedirectURL, 0, 0, utf8String, "Redirect-Address-URL", "RFC 8506 8.66"},
	{codeRedirectSIPURI, 0, 0, utf8String, "Redirect-Address-SIP-URI", "RFC 8506 8.67"},
	{codeQoSFinalUnitIndication, 0, 0, grouped, "QoS-Final-Unit-Indication", "RFC 8506 8.68"},
	{codeTriggerType, Vendor3GPP, flagsVM, enumerated, "Trigger-Type", "TS 32.299 7.2"},
	{codeTrigger, Vendor3GPP, flagsVM, grouped, "Trigger", "TS 32.299 7.2"},
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

// checkUnknown refuses an AVP that is unknown and mandatory (RFC 6733, section
// 4.1).
func checkUnknown(a wire.AVP) error {
	if a.Flags&wire.FlagMandatory != 0 && lookup(a.Code, a.Vendor) == nil {
		return badAVP(a, ResultAVPUnsupported, errUnknownAVP)
	}
	return nil
}
