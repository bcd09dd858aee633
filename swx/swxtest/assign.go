package swxtest

import (
	"errors"

	"github.com/opentwag/twag/diameter/wire"
	"github.com/opentwag/twag/swx"
)

// answerSAR answers a SAR.
func (h *HSS) answerSAR(req wire.Message) (wire.Message, error) {
	var sar swx.SAR
	saa := swx.SAA{
		OriginHost: h.host, OriginRealm: h.realm,
		Application: h.cfg.Dialect.Application, SessionState: h.cfg.Dialect.SessionState,
	}
	err := sar.Decode(req)
	if err == nil {
		err = h.checkForm(sar.Application, sar.SessionState)
	}
	saa.SessionID, saa.ProxyInfo = sar.SessionID, sar.ProxyInfo
	var de *swx.DecodeError
	if errors.As(err, &de) {
		h.stats.malformed.Add(1)
		saa.ResultCode, saa.FailedAVP = de.ResultCode, de.AVP
	} else {
		saa.UserName = sar.UserName
		h.assign(&sar, &saa)
	}
	if saa.ResultCode != swx.ResultSuccess {
		h.stats.refusals.Add(1)
	}
	return saa.Encode(make([]byte, 0, 1024), req.Header())
}

// assign does what the SAR says, and sets the result in saa (TS 29.273, clause
// 8.1.2.2.2).
func (h *HSS) assign(sar *swx.SAR, saa *swx.SAA) {
	refuse := func(code uint32) {
		saa.Experimental = swx.ExperimentalResult{Vendor: swx.Vendor3GPP, Code: code}
	}
	if h.cfg.Dialect.OmitSAR {
		saa.ResultCode, saa.Flags = resultCommandUnsupported, wire.FlagError
		return
	}
	s := h.find(h.imsiOf(sar.UserName))
	if s == nil {
		refuse(swx.ExperimentalUserUnknown)
		return
	}
	s.requests.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	reg := &s.reg
	switch {
	case s.NoNon3GPP:
		refuse(swx.ExperimentalNoNon3GPPSubscription)
		return
	case !sar.Type.IsValid():
		refuse(swx.ExperimentalInAssignmentType)
		return
	case !h.cfg.AnyAAAServer && !reg.free(sar.OriginHost):
		saa.AAAServerName = []byte(reg.server)
		refuse(swx.ExperimentalIdentityAlreadyRegistered)
		return
	}
	switch sar.Type {
	case swx.Registration:
		reg.note(sar.OriginHost, sar.OriginRealm)
		reg.registered = true
	case swx.Restoration:
		reg.note(sar.OriginHost, sar.OriginRealm)
		reg.registered = true
		reg.apns = nil
		for _, a := range sar.ActiveAPNs {
			reg.gateway(a)
		}
	case swx.UserDeregistration, swx.AdministrativeDeregistration:
		if reg.server == "" {
			refuse(swx.ExperimentalIdentityNotRegistered)
			return
		}
		*reg = registration{}
	case swx.AuthenticationFailure, swx.AuthenticationTimeout:
		// Another session of his may go on at the same server.
		if !reg.registered {
			*reg = registration{}
		}
	case swx.PGWUpdate:
		apn := string(sar.APN)
		switch {
		case !reg.registered:
			refuse(swx.ExperimentalIdentityNotRegistered)
			return
		case s.profile.APN(apn) == nil:
			refuse(experimentalNoAPNSubscription)
			return
		}
		reg.gateway(swx.ActiveAPN{
			ContextID: sar.ContextID, APN: apn, Gateway: sar.Gateway, VisitedNetwork: string(sar.VisitedNetwork),
		})
	}
	saa.ResultCode = swx.ResultSuccess
	if sar.Type.BringsUserData() {
		saa.UserData = s.profile
		saa.AAAServerName = sar.OriginHost
	}
}

const (
	resultCommandUnsupported      = 3001
	resultAVPNotAllowed           = 5008
	experimentalNoAPNSubscription = 5451
)
