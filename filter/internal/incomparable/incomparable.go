// Package incomparable keeps the module small. The compiler makes a function for
// every struct that could be compared with ==, of half a kilobyte or more, whether
// anything compares it or not. A struct with a field "_ incomparable.Type" cannot
// be: the field takes no memory where it comes first.
package incomparable

// Type is a type without size that cannot be compared.
type Type [0]func()
