// Package strictyaml reads a configuration file into a struct and names the
// file, the line and the key of everything that is wrong with it: all
// mistakes at once, not the first one only.
//
// It is stricter than YAML libraries are: an unknown or repeated key, a
// number where a duration belongs, a fraction where a whole number belongs are
// errors, and a scalar that goes into a string keeps its characters (007 stays
// "007"). Anchors, aliases, merge keys and tags are refused, and so is a file
// of more than one document. No error shows a value, since it may be a secret.
package strictyaml
