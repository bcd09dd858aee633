package diameter

// Commands of the base protocol (RFC 6733, section 3.1). The application
// identifier of the first, third and fourth is 0.
const (
	CmdCapabilitiesExchange = 257
	CmdReAuth               = 258
	CmdAccounting           = 271
	CmdAbortSession         = 274
	CmdSessionTermination   = 275
	CmdDeviceWatchdog       = 280
	CmdDisconnectPeer       = 282
)

// AVP codes of the base protocol (RFC 6733, section 4.5), vendor 0.
const (
	AVPUserName                    = 1
	AVPSessionTimeout              = 27
	AVPEventTimestamp              = 55
	AVPHostIPAddress               = 257
	AVPAuthApplicationID           = 258
	AVPAcctApplicationID           = 259
	AVPVendorSpecificApplicationID = 260
	AVPSessionID                   = 263
	AVPOriginHost                  = 264
	AVPSupportedVendorID           = 265
	AVPVendorID                    = 266
	AVPFirmwareRevision            = 267
	AVPResultCode                  = 268
	AVPProductName                 = 269
	AVPDisconnectCause             = 273
	AVPAuthSessionState            = 277
	AVPOriginStateID               = 278
	AVPFailedAVP                   = 279
	AVPErrorMessage                = 281
	AVPRouteRecord                 = 282
	AVPDestinationRealm            = 283
	AVPProxyInfo                   = 284
	AVPDestinationHost             = 293
	AVPErrorReportingHost          = 294
	AVPOriginRealm                 = 296
	AVPExperimentalResult          = 297
	AVPExperimentalResultCode      = 298
	AVPInbandSecurityID            = 299
)

// Result-Code values (RFC 6733, section 7.1).
const (
	ResultMultiRoundAuth         = 1001
	ResultSuccess                = 2001
	ResultLimitedSuccess         = 2002
	ResultCommandUnsupported     = 3001
	ResultUnableToDeliver        = 3002
	ResultRealmNotServed         = 3003
	ResultTooBusy                = 3004
	ResultLoopDetected           = 3005
	ResultRedirectIndication     = 3006
	ResultApplicationUnsupported = 3007
	ResultInvalidHeaderBits      = 3008
	ResultInvalidAVPBits         = 3009
	ResultUnknownPeer            = 3010
	ResultAuthenticationRejected = 4001
	ResultOutOfSpace             = 4002
	ResultElectionLost           = 4003
	ResultAVPUnsupported         = 5001
	ResultUnknownSessionID       = 5002
	ResultAuthorizationRejected  = 5003
	ResultInvalidAVPValue        = 5004
	ResultMissingAVP             = 5005
	ResultResourcesExceeded      = 5006
	ResultContradictingAVPs      = 5007
	ResultAVPNotAllowed          = 5008
	ResultAVPOccursTooManyTimes  = 5009
	ResultNoCommonApplication    = 5010
	ResultUnsupportedVersion     = 5011
	ResultUnableToComply         = 5012
	ResultInvalidBitInHeader     = 5013
	ResultInvalidAVPLength       = 5014
	ResultInvalidMessageLength   = 5015
	ResultNoCommonSecurity       = 5017
)

// Disconnect-Cause values (RFC 6733, section 5.4.3).
const (
	DisconnectRebooting                   = 0
	DisconnectBusy                        = 1
	DisconnectDoNotWantToTalkToYou        = 2
	applicationBase                uint32 = 0
)

// ApplicationRelay is the application identifier of relays (RFC 6733, section
// 2.4): in common with every application.
const ApplicationRelay = 0xffffffff
