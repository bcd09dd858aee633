package faulttest

import (
	"crypto/rand"

	"github.com/opentwag/twag/diameter/wire"
)

// Twice sends the answer twice.
func Twice(answer []byte) []byte {
	return append(answer[:len(answer):len(answer)], answer...)
}

// Garbage leaves the header as it is and fills the rest with random octets.
func Garbage(answer []byte) []byte {
	_, _ = rand.Read(answer[wire.HeaderLen:])
	return answer
}

// Truncate drops the last four octets, with the header's length as it should
// be then: the last AVP runs beyond the message.
func Truncate(answer []byte) []byte {
	answer = answer[:len(answer)-4]
	setLength(answer)
	return answer
}

// WrongHopByHop answers a request that nobody made.
func WrongHopByHop(answer []byte) []byte {
	wire.Message(answer).SetHopByHop(wire.Message(answer).Header().HopByHop ^ 0x80000000)
	return answer
}
