package session

import (
	"encoding/binary"
	"fmt"
	"time"
)

const apVersion = 1

func (a *AP) append(b []byte) []byte {
	b = append(b, apVersion)
	for _, s := range [...]string{a.NAS.Identifier, a.Name, a.SSID} {
		b = appendString(b, s)
	}
	b = appendAddr(appendAddr(b, a.NAS.Source), a.NAS.Addr)
	for _, v := range [...]uint32{a.PortType, a.MTU, a.Restarts} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	for _, t := range [...]time.Time{a.FirstSeen, a.LastSeen, a.Restarted} {
		b = appendTime(b, t)
	}
	return b
}

func decodeAP(b []byte) (AP, error) {
	if len(b) == 0 || b[0] != apVersion {
		return AP{}, fmt.Errorf("%w: access point", ErrDecode)
	}
	var a AP
	d := decoder{rest: string(b[1:])}
	for _, p := range [...]*string{&a.NAS.Identifier, &a.Name, &a.SSID} {
		*p = d.string()
	}
	a.NAS.Source, a.NAS.Addr = d.addr(), d.addr()
	for _, p := range [...]*uint32{&a.PortType, &a.MTU, &a.Restarts} {
		*p = uint32(d.uvarint())
	}
	for _, p := range [...]*time.Time{&a.FirstSeen, &a.LastSeen, &a.Restarted} {
		*p = d.time()
	}
	if d.failed {
		return AP{}, fmt.Errorf("%w: access point cut short", ErrDecode)
	}
	return a, nil
}
