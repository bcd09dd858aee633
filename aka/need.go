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

var _ eap.AsyncResolver = (*NeedVectors)(nil)

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

// ResolveAsync implements eap.AsyncResolver, if the source is an
// [AsyncVectorSource].
func (n *NeedVectors) ResolveAsync(ctx context.Context, done func(eap.Answer)) bool {
	source, ok := n.source.(AsyncVectorSource)
	return ok && source.VectorsAsync(ctx, n.Request, func(v []Vector, err error) {
		done(VectorsAnswer{Vectors: v, Err: err})
	})
}
