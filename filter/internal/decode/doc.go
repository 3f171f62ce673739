// Package decode reads a configuration: JSON in, typed values out, and
// everything that is wrong with it at once, each problem with its path. It is
// strict: it refuses what it does not know and what is given twice. It never
// shows a secret. What each kind of value may be is kept next to its
// description in JSON Schema.
//
// A step's decode.go is written with Reader, its schema.go with the functions
// that return a Schema; see docs/write-a-step.md.
package decode
