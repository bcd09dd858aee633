package aka

import (
	"time"

	"golang.org/x/crypto/cryptobyte"

	"github.com/opentwag/twag/eap"
)

// lens returns how long K_aut and the key that MSK and EMSK are derived from
// are.
func (c *ReauthContext) lens() (kAut, master int) {
	if c.Method == eap.TypeAKAPrime {
		return len(c.Keys.KAut), len(c.Keys.Master)
	}
	return macKeyLen, masterKeyLen
}

// append appends what of a re-authentication has to be kept while its request
// is out. What the identity and the method tell is left out, and so is the next
// identity, which is derived.
func (r *reauthRun) append(b []byte) []byte {
	c := &r.context
	kAut, master := c.lens()
	sec := uint32(c.Expires.Unix())
	b = append(b, byte(c.Counter>>8), byte(c.Counter), byte(sec>>24), byte(sec>>16), byte(sec>>8), byte(sec))
	b = append(append(b, r.nonceS[:]...), r.mac[:]...)
	b = append(b, c.Keys.KEncr[:]...)
	b = append(b, c.Keys.KAut[:kAut]...)
	return append(b, c.Keys.Master[:master]...)
}

// restoreReauth reads what append wrote. m has its identity and IMSI.
func (m *machine) restoreReauth(s *cryptobyte.String, flags byte) bool {
	nai, err := eap.ParseNAI(m.identity)
	if err != nil || m.method.cfg.Reauth == nil {
		return false
	}
	c := ReauthContext{Username: nai.Username, Method: m.method.typ, IMSI: m.imsi, NetworkName: m.boundNetwork()}
	kAut, master := c.lens()
	r := &reauthRun{}
	var sec uint32
	if !s.ReadUint16(&c.Counter) || !s.ReadUint32(&sec) || !s.CopyBytes(r.nonceS[:]) || !s.CopyBytes(r.mac[:]) ||
		!s.CopyBytes(c.Keys.KEncr[:]) || !s.CopyBytes(c.Keys.KAut[:kAut]) || !s.CopyBytes(c.Keys.Master[:master]) {
		return false
	}
	c.Expires = time.Unix(int64(sec), 0)
	c.ForwardSecrecy = flags&flagFS != 0
	if !m.fsAllows(&c) {
		return false
	}
	r.begin(c)
	m.reauth = r
	return true
}
