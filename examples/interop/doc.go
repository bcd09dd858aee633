// Package interop runs the built reference server against programs that the
// project did not write, and asks them for their opinion: wpa_supplicant's
// eapol_test logs in, freeDiameterd relays to the HSS, radclient verifies
// answers, tshark decodes what went over the wire.
//
// The package itself drives those programs; the tests are what uses it. Each
// test process moves into a network namespace of its own (see [Main]), where
// ports are free, captures see nothing else, and whatever a test leaves running
// ends with it.
package interop
