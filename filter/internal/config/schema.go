package config

import (
	"slices"
	"strings"
	"time"
)

// Schema is one place of the configuration as JSON Schema (draft 7, which
// editors know best) has it. It is necessary, not sufficient: what it refuses,
// Load refuses, and Load alone sees how members fit each other.
//
// Only the command line asks for it, so none of it is linked into the module.
type Schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Default     any                `json:"default,omitempty"`
	Examples    []any              `json:"examples,omitempty"`
	Const       any                `json:"const,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Maximum     *int               `json:"maximum,omitempty"`
	MinLength   int                `json:"minLength,omitempty"`
	MaxLength   int                `json:"maxLength,omitempty"`
	Items       *Schema            `json:"items,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	MaxItems    int                `json:"maxItems,omitempty"`
	Unique      bool               `json:"uniqueItems,omitempty"`
	Properties  map[string]*Schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Additional  *bool              `json:"additionalProperties,omitempty"`
	MinMembers  int                `json:"minProperties,omitempty"`
	MaxMembers  int                `json:"maxProperties,omitempty"`
	AnyOf       []*Schema          `json:"anyOf,omitempty"`
	AllOf       []*Schema          `json:"allOf,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Definitions map[string]*Schema `json:"definitions,omitempty"`
}

// shapes are the schemas of an object's members.
type shapes map[string]*Schema

// objectSchema describes an object by the decoder's own list of members. It
// panics when the two do not name the same ones.
func objectSchema(m *members, about string, of shapes) *Schema {
	for _, name := range m.names {
		if of[name] == nil {
			panic("the schema lacks " + name)
		}
	}
	if len(of) != len(m.names) {
		panic("the schema has members that the decoder does not know: it knows " + strings.Join(m.names, ", "))
	}
	closed := false
	return &Schema{
		Type: "object", Description: about, Properties: of, Required: slices.Clone(m.names[:m.required]), Additional: &closed,
	}
}

// exactlyOne makes an object one of whose members is given, and no other.
func (s *Schema) exactlyOne() *Schema {
	s.MinMembers, s.MaxMembers = 1, 1
	return s
}

func (s *Schema) withDefault(value any) *Schema {
	s.Default = value
	return s
}

func (s *Schema) withExamples(examples ...any) *Schema {
	s.Examples = examples
	return s
}

func textSchema(about string) *Schema { return &Schema{Type: "string", Description: about} }

func patternSchema(about, pattern string) *Schema {
	return &Schema{Type: "string", Description: about, Pattern: pattern}
}

func wordSchema(about string, words ...string) *Schema {
	return &Schema{Type: "string", Description: about, Enum: words}
}

func booleanSchema(about string) *Schema { return &Schema{Type: "boolean", Description: about} }

func integerSchema(about string, low, high int) *Schema {
	return &Schema{Type: "integer", Description: about, Minimum: &low, Maximum: &high}
}

// durationSchema tells the bounds in words: JSON Schema cannot compare
// durations.
func durationSchema(about string, low, high time.Duration) *Schema {
	return patternSchema(strings.TrimPrefix(about+" From ", " ")+shortDuration(low)+" to "+shortDuration(high)+".",
		`^(0|([0-9]{1,9}(\.[0-9]{1,9})?(ms|us|ns|h|m|s))+)$`)
}

// shortDuration is 1m, where time.Duration has 1m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// listSchema is a list of at least low and at most high items; unbounded for no
// bound of its own.
func listSchema(about string, item *Schema, low, high int) *Schema {
	return &Schema{Type: "array", Description: about, Items: item, MinItems: low, MaxItems: max(high, 0)}
}

// orOff also takes the word off.
func orOff(about string, s *Schema) *Schema {
	return &Schema{Description: about, AnyOf: []*Schema{{Const: "off"}, s}}
}
