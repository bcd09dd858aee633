// Package auc is an authentication centre: it holds subscribers' keys and
// sequence numbers, makes authentication vectors and resynchronises (TS
// 33.102, clause 6.3).
//
// It is made for laboratories, tests and the HSS simulator. It keeps
// everything in memory: after a restart a USIM refuses the first challenge and
// resynchronises, which is how the protocol repairs it.
//
//	cipher, err := milenage.New(k, opc)
//	...
//	centre := auc.New(auc.Config{})
//	err = centre.Put(auc.Subscriber{IMSI: imsi, Algorithm: cipher.Algorithm()})
//
// An [AuC] is an [aka.VectorSource]: a server in the same process may log
// subscribers in without any HSS.
//
// For EAP-SIM it gives the quintets that triplets are made of (TS 33.102,
// clause 6.8.1.2); each uses up a sequence number.
package auc
