// Package tuak is the TUAK algorithm set of TS 35.231: the alternative to
// MILENAGE, built on the Keccak permutation, with keys of 128 or 256 bits and
// outputs of several lengths.
//
// A [Cipher] is set up once per subscriber; its calls allocate nothing.
//
// EAP carries an AUTN with a MAC of 64 bits, CK and IK of 128 bits and a RES
// of at most 128: the defaults of [Config] fit.
package tuak
