// Package dict is what the tables of AVPs of Diameter applications have in common: a row,
// how one is found, and how it is told of in errors.
package dict
