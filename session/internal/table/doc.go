// Package table has the parts that a table of a million records is made of
// when neither the table nor the garbage collector may spend much on it: all
// live in memory without pointers, grow piece by piece, and use again what was
// freed.
//
// Nothing here is safe for concurrent use.
package table
