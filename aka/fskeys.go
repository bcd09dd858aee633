package aka

// AKAPrimeFSKeys returns the keys of an EAP-AKA' full authentication with
// forward secrecy. secret is SHARED_SECRET of the two key pairs: the output of
// X25519, or the x coordinate of the common point on P-256.
//
// KEncr and KAut are those of [AKAPrimeKeys]; KRe, MSK and EMSK differ.
//
// RFC 9678, section 6.3.
func AKAPrimeFSKeys(identity string, ckPrime, ikPrime [16]byte, secret [32]byte) Keys {
	k := AKAPrimeKeys(identity, ckPrime, ikPrime)
	k.forward(identity, ckPrime, ikPrime, &secret)
	return k
}

// forward sets K_re, MSK and EMSK to those of MK_ECDHE.
func (k *Keys) forward(identity string, ckPrime, ikPrime [16]byte, secret *[fsSecretLen]byte) {
	var key [16 + 16 + fsSecretLen]byte
	copy(key[:16], ikPrime[:])
	copy(key[16:32], ckPrime[:])
	copy(key[32:], secret[:])
	var scratch [11 + maxNAILen]byte
	s := append(scratch[:0], "EAP-AKA' FS"...)
	s = append(s, identity...)
	var x [5 * 32]byte
	prfPrime(key[:], s, x[:])
	copy(k.KRe[:], x[0:32])
	copy(k.MSK[:], x[32:96])
	copy(k.EMSK[:], x[96:160])
}
