// Package keyring keeps the secrets that the servers of one operator share,
// so that what one of them sealed any other can open: the State of a half-done
// login, a subscriber's pseudonym, the Class of a session.
//
// A [Ring] has one active key, which seals, and older ones, which open until
// they are retired. Each use of a ring derives keys of its own ([Ring.Sealer],
// [Ring.Derive]), so that nothing sealed for one purpose opens for another.
//
// Secrets come from the operator's configuration or vault; the package neither
// stores nor distributes them. A single server may live with [NewRandom]: its
// seals end with the process.
package keyring
