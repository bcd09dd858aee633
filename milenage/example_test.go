package milenage_test

import (
	"encoding/hex"
	"fmt"

	"github.com/opentwag/twag/milenage"
)

// A USIM's answer to a challenge, with test set 3 of TS 35.208.
func Example() {
	c, err := milenage.NewFromOP(
		block("fec86ba6eb707ed08905757b1bb44b8f"),
		block("dbc59adcb6f9a0ef735477b7fadf8374"))
	if err != nil {
		panic(err)
	}
	res, _, _, _ := c.F2345(block("9f7c8d021accf4db213ccff0c7f71a6a"))
	fmt.Printf("%x\n", res)
	// Output: 8011c48c0c214ed2
}

func block(s string) (b [16]byte) {
	if _, err := hex.Decode(b[:], []byte(s)); err != nil {
		panic(err)
	}
	return b
}
