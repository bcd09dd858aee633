package swxtest

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/swx"
)

// errDialect: the request is none of this HSS's dialect.
var errDialect = errors.New("swxtest: not what this HSS wants")

// Lengths in SIP-Authenticate, and in SIP-Authorization to resynchronise.
const (
	randOctets   = 16
	authOctets   = randOctets + 16
	resyncOctets = randOctets + 14
)

// answerMAR answers a MAR.
func (h *HSS) answerMAR(ctx context.Context, req wire.Message) (wire.Message, error) {
	var mar swx.MAR
	maa := swx.MAA{
		OriginHost: h.host, OriginRealm: h.realm,
		Application: h.cfg.Dialect.Application, SessionState: h.cfg.Dialect.SessionState,
	}
	err := mar.Decode(req)
	if err == nil {
		err = h.checkForm(mar.Application, mar.SessionState)
	}
	if err != nil {
		h.stats.malformed.Add(1)
		h.stats.refusals.Add(1)
		var de *swx.DecodeError
		if errors.As(err, &de) {
			maa.ResultCode, maa.FailedAVP = de.ResultCode, de.AVP
		}
		maa.SessionID, maa.ProxyInfo = mar.SessionID, mar.ProxyInfo
		return maa.Encode(nil, req.Header())
	}
	maa.SessionID, maa.UserName, maa.ProxyInfo = mar.SessionID, mar.UserName, mar.ProxyInfo
	vectors, scheme := h.decide(ctx, &mar, &maa)
	if maa.ResultCode != swx.ResultSuccess {
		h.stats.refusals.Add(1)
		return maa.Encode(nil, req.Header())
	}
	h.stats.vectors.Add(uint64(len(vectors)))
	maa.NumberAuthItems = uint32(len(vectors))
	maa.Items = make([]swx.AuthItem, len(vectors))
	var one [authOctets]byte
	authenticate := one[:0]
	for i := range vectors {
		v := &vectors[i]
		at := len(authenticate)
		authenticate = append(append(authenticate, v.RAND[:]...), v.AUTN[:]...)
		maa.Items[i] = swx.AuthItem{
			Number: uint32(i + 1), Numbered: len(vectors) > 1,
			Scheme:        schemeNames[scheme],
			Authenticate:  authenticate[at:],
			Authorization: v.XRES[:v.XRESLen],
			CK:            v.CK[:],
			IK:            v.IK[:],
		}
	}
	return maa.Encode(make([]byte, 0, 512+160*len(vectors)), req.Header())
}

// decide sets the result in maa, and returns the vectors if that is success.
// The order of the checks is that of TS 29.273, clause 8.1.2.1.2.
func (h *HSS) decide(ctx context.Context, mar *swx.MAR, maa *swx.MAA) ([]aka.Vector, aka.Scheme) {
	refuse := func(code uint32) ([]aka.Vector, aka.Scheme) {
		maa.Experimental = swx.ExperimentalResult{Vendor: swx.Vendor3GPP, Code: code}
		return nil, 0
	}
	fail := func(code uint32, blame wire.AVP) ([]aka.Vector, aka.Scheme) {
		maa.ResultCode, maa.FailedAVP = code, blame
		return nil, 0
	}
	s := h.find(h.imsiOf(mar.UserName))
	if s == nil {
		return refuse(swx.ExperimentalUserUnknown)
	}
	s.requests.Add(1)
	scheme := schemeOf(mar.Item.Scheme)
	switch {
	case s.NoNon3GPP:
		return refuse(swx.ExperimentalNoNon3GPPSubscription)
	case s.NoRoaming && mar.VisitedNetwork != nil:
		return refuse(swx.ExperimentalRoamingNotAllowed)
	case s.NoWLAN && mar.RATType == swx.RATWLAN:
		return refuse(swx.ExperimentalRATTypeNotAllowed)
	case scheme == 0 || slices.Contains(s.RefusedSchemes, scheme):
		return refuse(swx.ExperimentalAuthSchemeNotSupported)
	case s.Barred:
		return fail(swx.ResultAuthorizationRejected, wire.AVP{})
	}
	req := aka.VectorRequest{
		IMSI:        s.IMSI,
		Scheme:      scheme,
		NetworkName: string(mar.ANID),
		Count:       int(min(mar.NumberAuthItems, maxCount)),
	}
	if anid := (wire.AVP{Code: codeANID, Vendor: swx.Vendor3GPP, Flags: wire.FlagMandatory}); scheme == aka.SchemeAKAPrime {
		switch {
		case h.cfg.Dialect.OmitANID && mar.ANID != nil:
			return fail(resultAVPNotAllowed, anid)
		case h.cfg.Dialect.OmitANID:
			req.NetworkName = ownNetworkName
		case len(mar.ANID) == 0:
			return fail(swx.ResultMissingAVP, anid)
		}
	}
	if auth := mar.Item.Authorization; auth != nil {
		h.stats.resyncs.Add(1)
		if len(auth) != resyncOctets {
			return fail(swx.ResultInvalidAVPValue, wire.AVP{Code: codeAuthorization, Vendor: swx.Vendor3GPP, Flags: wire.FlagMandatory, Data: auth})
		}
		req.Resync = &aka.Resync{RAND: [16]byte(auth), AUTS: [14]byte(auth[randOctets:])}
	}
	keys := auc.KeysPrimed
	if h.cfg.Dialect.PlainKeys {
		keys = auc.KeysPlain
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !h.cfg.AnyAAAServer && !mar.AAAFailure && !s.reg.free(mar.OriginHost) {
		maa.AAAServerName = []byte(s.reg.server)
		return refuse(swx.ExperimentalIdentityAlreadyRegistered)
	}
	vectors, err := h.dir.auc.VectorsWith(ctx, req, keys)
	switch {
	case errors.Is(err, aka.ErrUnknownSubscriber):
		return refuse(swx.ExperimentalUserUnknown)
	case err != nil:
		// A MAC-S that does not verify is one of many troubles to the outside.
		return fail(swx.ResultUnableToComply, wire.AVP{})
	}
	s.reg.note(mar.OriginHost, mar.OriginRealm)
	maa.ResultCode = swx.ResultSuccess
	return vectors, scheme
}

// What the HSS needs of the table of package swx.
const (
	codeUserName            = 1
	codeAuthApplicationID   = 258
	codeVendorSpecificAppID = 260
	codeSessionID           = 263
	codeAuthSessionState    = 277
	codeAuthorization       = 610
	codeANID                = 1504
	maxCount                = 32
)

// ownNetworkName is what an HSS that is not told binds keys to.
const ownNetworkName = "WLAN"

// schemeNames are the schemes in SIP-Authentication-Scheme.
var schemeNames = map[aka.Scheme][]byte{
	aka.SchemeAKA:      []byte(aka.SchemeAKA.String()),
	aka.SchemeAKAPrime: []byte(aka.SchemeAKAPrime.String()),
}

// schemeOf returns the scheme with the name, or 0.
func schemeOf(name []byte) aka.Scheme {
	for s, n := range schemeNames {
		if bytes.Equal(name, n) {
			return s
		}
	}
	return 0
}
