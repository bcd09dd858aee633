package aka

import (
	"context"

	"github.com/opentwag/twag/eap"
)

// NeedVectors asks for an authentication vector. Its answer is a
// [VectorsAnswer]; Resolve gets it from the method's [VectorSource].
type NeedVectors struct {
	// Request is what to ask for.
	Request VectorRequest

	source VectorSource
}

var _ eap.Resolver = (*NeedVectors)(nil)

// VectorsAnswer answers [NeedVectors]. Of the vectors the first is used, in
// EAP-SIM as many as were asked for; none counts as ErrUnavailable.
type VectorsAnswer struct {
	Vectors []Vector
	Err     error
}

// NeedName implements eap.Need.
func (*NeedVectors) NeedName() string { return "vectors" }

// Resolve implements eap.Resolver.
func (n *NeedVectors) Resolve(ctx context.Context) eap.Answer {
	v, err := n.source.Vectors(ctx, n.Request)
	return VectorsAnswer{Vectors: v, Err: err}
}
