package interop

import (
	"encoding/binary"
	"sync"

	"github.com/opentwag/twag/examples/internal/extsim"
	"github.com/opentwag/twag/milenage"
)

// USIM is the card of a supplicant: Milenage, the highest sequence number
// seen, and the faults that a test wants. It is safe for concurrent use.
type USIM struct {
	// WrongRES makes the card answer good challenges with another RES.
	WrongRES bool

	cipher *milenage.Cipher

	mu  sync.Mutex
	sqn uint64 // the highest accepted
	// how many challenges had which outcome
	accepted, resynced, refused int
}

// NewUSIM returns a card with these keys that has seen sequence numbers up to
// sqn.
func NewUSIM(k, opc [16]byte, sqn uint64) (*USIM, error) {
	cipher, err := milenage.New(k, opc)
	if err != nil {
		return nil, err
	}
	return &USIM{cipher: cipher, sqn: sqn}, nil
}

// Counts says how many challenges the card has accepted, answered with AUTS,
// and refused because AUTN did not verify.
func (u *USIM) Counts() (accepted, resynced, refused int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.accepted, u.resynced, u.refused
}

// UMTS runs the card's algorithms (TS 33.102, clause 6.3.3). Of a supplicant
// that asks the same again, package extsim repeats the answer by itself.
func (u *USIM) UMTS(rand, autn [16]byte) extsim.Answer {
	u.mu.Lock()
	defer u.mu.Unlock()
	res, ck, ik, ak := u.cipher.F2345(rand)
	var sqn [6]byte
	for i := range sqn {
		sqn[i] = autn[i] ^ ak[i]
	}
	amf, mac := [2]byte(autn[6:8]), [8]byte(autn[8:16])
	if u.cipher.F1(rand, sqn, amf) != mac {
		u.refused++
		return extsim.Answer{}
	}
	if n := sqnNumber(sqn); n > u.sqn {
		u.sqn = n
	} else {
		u.resynced++
		return extsim.Answer{AUTS: u.auts(rand)}
	}
	u.accepted++
	if u.WrongRES {
		res[0] ^= 1
	}
	return extsim.Answer{RES: res[:], CK: ck, IK: ik}
}

// GSM answers as an old SIM card would: SRES and Kc as in TS 55.205. There is no
// AUTN to judge, so that every challenge is accepted.
func (u *USIM) GSM(rand [16]byte) (sres [4]byte, kc [8]byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.accepted++
	res, ck, ik, _ := u.cipher.F2345(rand)
	for i := range sres {
		sres[i] = res[i] ^ res[i+4]
	}
	for i := range kc {
		kc[i] = ck[i] ^ ck[i+8] ^ ik[i] ^ ik[i+8]
	}
	if u.WrongRES {
		sres[0] ^= 1
	}
	return sres, kc
}

// auts reports the card's sequence number, protected with f1* and f5*, and
// with an AMF of zero (TS 33.102, clause 6.3.3).
func (u *USIM) auts(rand [16]byte) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], u.sqn)
	sqn := [6]byte(b[2:])
	mac := u.cipher.F1Star(rand, sqn, [2]byte{})
	ak := u.cipher.F5Star(rand)
	auts := make([]byte, 0, 14)
	for i := range sqn {
		auts = append(auts, sqn[i]^ak[i])
	}
	return append(auts, mac[:]...)
}

func sqnNumber(sqn [6]byte) uint64 {
	return binary.BigEndian.Uint64(append(make([]byte, 2, 8), sqn[:]...))
}
