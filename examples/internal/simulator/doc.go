// Package simulator is what programs that simulate the far end of a Diameter
// application have in common: who they are, where they are reached, how they begin and
// end, and what they are told on the standard input.
package simulator
