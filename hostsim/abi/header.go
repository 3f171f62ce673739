package abi

import (
	"slices"
	"strings"
)

// Header is one name and value.
type Header struct{ Name, Value string }

// Headers is an ordered list of headers, in which a name may occur more than once.
type Headers []Header

// Get is the first value of name, in any letter case.
func (h Headers) Get(name string) (value string, ok bool) {
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			return h[i].Value, true
		}
	}
	return "", false
}

// Values are all values of name, in order.
func (h Headers) Values(name string) []string {
	var values []string
	for i := range h {
		if strings.EqualFold(h[i].Name, name) {
			values = append(values, h[i].Value)
		}
	}
	return values
}

// Clone is a copy that shares nothing.
func (h Headers) Clone() Headers { return slices.Clone(h) }
