// Package milenage is the MILENAGE algorithm set of TS 35.205 and TS 35.206:
// the functions f1, f1*, f2, f3, f4, f5 and f5* with which a USIM and its
// authentication centre know each other, and the derivation of OPc from OP.
//
// A [Cipher] is set up once per subscriber and then allocates nothing, unless
// several goroutines use the same one at the same moment. The TUAK set is in
// package tuak below.
//
//	c, err := milenage.New(k, opc)
//	...
//	mac := c.F1(rand, sqn, amf)
//	res, ck, ik, ak := c.F2345(rand)
//
// The constants r1..r5 and c1..c5 are the standard's (TS 35.206, clause 4.1);
// operators that changed them need an algorithm of their own.
package milenage
