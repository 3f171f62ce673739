// Package decode reads a configuration: JSON in, typed values out, and all that
// is wrong with it at once, each problem with its path. It is strict: what it
// does not know, or finds twice, it refuses. It never shows a secret. What each
// kind of value may be stands beside its description in JSON Schema.
//
// A step's decode.go is written with Reader, its schema.go with the functions
// that give a Schema; see docs/write-a-step.md.
package decode
