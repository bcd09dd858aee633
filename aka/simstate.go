package aka

import "golang.org/x/crypto/cryptobyte"

// What an encoded challenge of EAP-SIM has in place of a vector: how many
// triplets, an octet; their RANDs and SRES; the master key; NONCE_MT. The
// master key is shorter than the Kc that it comes from; RAND and NONCE_MT make
// the Session-Id.
func (s *simRun) append(b []byte) []byte {
	b = append(b, byte(s.n))
	b = append(append(b, s.allRAND()...), s.allSRES()...)
	return append(append(b, s.mk[:]...), s.nonceMT[:]...)
}

// restore reads what append wrote. It fails where there are fewer triplets than
// this server would have sent: no login shall come through on a weaker policy
// than its own.
func (s *simRun) restore(in *cryptobyte.String, least int) bool {
	var n uint8
	if !in.ReadUint8(&n) || int(n) < least || n > maxTriplets {
		return false
	}
	s.n = int(n)
	return in.CopyBytes(s.allRAND()) && in.CopyBytes(s.allSRES()) &&
		in.CopyBytes(s.mk[:]) && in.CopyBytes(s.nonceMT[:])
}
