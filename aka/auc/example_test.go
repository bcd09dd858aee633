package auc_test

import (
	"context"
	"fmt"

	"github.com/opentwag/twag/aka"
	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/milenage"
)

// A centre with one subscriber.
func Example() {
	cipher, err := milenage.New(
		[16]byte([]byte("sixteen octets K")),
		[16]byte([]byte("sixteen octs OPc")))
	if err != nil {
		panic(err)
	}
	imsi := eap.MustParseIMSI("001010000000001")
	centre := auc.New(auc.Config{})
	if err := centre.Put(auc.Subscriber{IMSI: imsi, Algorithm: cipher.Algorithm(), SQN: 0x20}); err != nil {
		panic(err)
	}
	vectors, err := centre.Vectors(context.Background(), aka.VectorRequest{
		IMSI: imsi, Scheme: aka.SchemeAKA, Count: 2,
	})
	if err != nil {
		panic(err)
	}
	sqn, _ := centre.SQN(imsi)
	fmt.Println(len(vectors), vectors[0], sqn)
	// Output: 2 aka.Vector[redacted] 96
}
