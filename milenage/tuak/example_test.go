package tuak_test

import (
	"encoding/hex"
	"fmt"

	"github.com/opentwag/twag/milenage/tuak"
)

// A USIM's answer to a challenge, with test set 1 of TS 35.233.
func Example() {
	k, _ := hex.DecodeString("abababababababababababababababab")
	top := [32]byte([]byte("UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU"))
	c, err := tuak.NewFromTOP(k, top, tuak.Config{RESLen: 4})
	if err != nil {
		panic(err)
	}
	res, _, _, _ := c.F2345([16]byte([]byte("BBBBBBBBBBBBBBBB")))
	fmt.Printf("%x\n", res[:c.Config().RESLen])
	// Output: 657acd64
}
