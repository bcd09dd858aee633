// Package homeconfig is the part of a server's configuration file that says how
// home networks are reached: the sections diameter and swx, which twagd and
// twagctl have in common. Twagd checks what is in them.
package homeconfig
