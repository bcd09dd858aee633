// Package sampletest reads the messages of the module's testdata/diameter.json, for
// tests of packages that decode them.
package sampletest
