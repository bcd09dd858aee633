package auc

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/milenage"
)

// Keys is what a centre makes of CK and IK in vectors for EAP-AKA'.
type Keys uint8

const (
	// KeysPrimed: CK' and IK', bound to the network name (TS 33.402, Annex
	// A.2), as an HSS delivers them over SWx.
	KeysPrimed Keys = iota
	// KeysPlain: CK and IK as the USIM computes them; whoever uses the vector
	// derives CK' and IK'.
	KeysPlain
)

// separationBit is the AMF separation bit, in the first octet of AMF (TS
// 33.102, Annex H).
const separationBit = 0x80

// Vectors implements [aka.VectorSource] with the Keys of the Config. It blocks
// for no longer than the Config's Rand does.
//
// The errors wrap aka.ErrUnknownSubscriber, aka.ErrSyncFailure when an AUTS
// does not verify, and aka.ErrSchemeNotSupported.
func (a *AuC) Vectors(ctx context.Context, req aka.VectorRequest) ([]aka.Vector, error) {
	return a.VectorsWith(ctx, req, a.cfg.Keys)
}

// VectorsWith is Vectors with the keys as this one request wants them.
func (a *AuC) VectorsWith(ctx context.Context, req aka.VectorRequest, keys Keys) ([]aka.Vector, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", aka.ErrUnavailable, err)
	}
	prime := false
	switch req.Scheme {
	case aka.SchemeAKA, aka.SchemeSIM:
		// EAP-SIM converts quintets into triplets: aka.Vector.Triplet.
	case aka.SchemeAKAPrime:
		prime = keys == KeysPrimed
		if prime && req.NetworkName == "" {
			return nil, fmt.Errorf("%w: auc: no network name for %v", aka.ErrUnavailable, req.Scheme)
		}
	default:
		return nil, fmt.Errorf("%w: auc: %v", aka.ErrSchemeNotSupported, req.Scheme)
	}
	sub := a.find(req.IMSI)
	if sub == nil {
		return nil, fmt.Errorf("%w: auc: %v", aka.ErrUnknownSubscriber, req.IMSI)
	}
	var resync *uint64
	if req.Resync != nil {
		sqnMS, ok := verifyAUTS(sub.alg, req.Resync)
		if !ok {
			return nil, fmt.Errorf("%w: auc: %v", aka.ErrSyncFailure, req.IMSI)
		}
		resync = &sqnMS
	}
	vectors := make([]aka.Vector, min(max(req.Count, 1), a.cfg.MaxVectors))
	for i := range vectors {
		if _, err := io.ReadFull(a.cfg.Rand, vectors[i].RAND[:]); err != nil {
			return nil, fmt.Errorf("%w: auc: random numbers: %w", aka.ErrUnavailable, err)
		}
		for k := range i {
			if vectors[k].RAND == vectors[i].RAND {
				return nil, fmt.Errorf("%w: auc: the random numbers repeat", aka.ErrUnavailable)
			}
		}
	}
	amf := sub.amf
	if req.Scheme == aka.SchemeAKAPrime {
		amf[0] |= separationBit
	}
	sqn := a.take(sub, resync, time.Now())
	for i := range vectors {
		if i > 0 {
			sqn = a.take(sub, nil, time.Now())
		}
		v := &vectors[i]
		compute(v, sub.alg, sqn, amf)
		if prime {
			v.CK, v.IK = aka.PrimeKeys(v.CK, v.IK, req.NetworkName, v.AUTN)
			v.Primed, v.NetworkName = true, req.NetworkName
		}
	}
	return vectors, nil
}

// take uses up the subscriber's next sequence number. A resync is the SQN_MS
// of an AUTS that has verified: SQN_HE becomes it, unless the USIM would accept
// the next number anyway (TS 33.102, clause 6.3.5, steps 2 to 5). That matters
// when a second login of the subscriber has been given a higher number in the
// meantime, and when an old AUTS is played back: no number comes twice.
//
// Departure: the clause verifies AUTS only where SQN_HE has to move; here one
// that does not verify always gets no vectors.
func (a *AuC) take(sub *subscriber, resync *uint64, now time.Time) uint64 {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	next := a.cfg.Scheme.Next(sub.sqn, now)
	if resync != nil {
		seq, seqMS := a.cfg.Scheme.SEQ(next.Last), a.cfg.Scheme.SEQ(*resync)
		if seq <= seqMS || seq-seqMS > a.cfg.Delta {
			next = a.cfg.Scheme.Next(a.cfg.Scheme.Set(*resync, now), now)
		}
	}
	sub.sqn = next
	return next.Last
}

// verifyAUTS returns SQN_MS if the MAC-S over it is the USIM's.
//
// TS 33.102, clauses 6.3.3 and 6.3.5.
func verifyAUTS(alg milenage.Algorithm, r *aka.Resync) (sqnMS uint64, ok bool) {
	sqn := xor6([6]byte(r.AUTS[:6]), alg.F5Star(r.RAND))
	mac := alg.F1Star(r.RAND, sqn, [2]byte{})
	if subtle.ConstantTimeCompare(mac[:], r.AUTS[6:]) != 1 {
		return 0, false
	}
	return sqnNumber(sqn), true
}

// compute fills in the vector of v's RAND.
//
// TS 33.102, clause 6.3.2.
func compute(v *aka.Vector, alg milenage.Algorithm, sqn uint64, amf [2]byte) {
	number := sqnOctets(sqn)
	out := alg.F2345(v.RAND)
	mac := alg.F1(v.RAND, number, amf)
	hidden := xor6(number, out.AK)
	copy(v.AUTN[:6], hidden[:])
	copy(v.AUTN[6:8], amf[:])
	copy(v.AUTN[8:], mac[:])
	v.XRES, v.XRESLen, v.CK, v.IK = out.RES, out.RESLen, out.CK, out.IK
}

// VectorsAsync implements aka.AsyncVectorSource: a centre in memory never
// waits.
func (a *AuC) VectorsAsync(ctx context.Context, req aka.VectorRequest, done func([]aka.Vector, error)) bool {
	done(a.Vectors(ctx, req))
	return true
}
