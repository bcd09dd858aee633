package aka

import "golang.org/x/crypto/cryptobyte"

// What an encoded challenge of EAP-SIM has in place of a vector: how many
// triplets, an octet; their RANDs and SRES; NONCE_MT. RAND and NONCE_MT make the
// Session-Id.
func (s *simRun) append(b []byte) []byte {
	b = append(b, byte(s.n))
	b = append(append(b, s.allRAND()...), s.allSRES()...)
	return append(b, s.nonceMT[:]...)
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
	return in.CopyBytes(s.allRAND()) && in.CopyBytes(s.allSRES()) && in.CopyBytes(s.nonceMT[:])
}
