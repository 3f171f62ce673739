package decode

import (
	"slices"
	"strings"
	"time"
)

// Schema describes one place of the configuration in JSON Schema (draft 7,
// which editors support best). It is necessary, not sufficient: the loader
// refuses whatever it refuses, and only the loader sees whether members fit
// together.
//
// Only the command line uses it, so none of it is linked into the module.
type Schema struct {
	Dialect     string              `json:"$schema,omitempty"`
	ID          string              `json:"$id,omitempty"`
	Title       string              `json:"title,omitempty"`
	Description string              `json:"description,omitempty"`
	Type        string              `json:"type,omitempty"`
	Default     any                 `json:"default,omitempty"`
	Examples    []any               `json:"examples,omitempty"`
	Const       any                 `json:"const,omitempty"`
	Enum        []string            `json:"enum,omitempty"`
	Pattern     string              `json:"pattern,omitempty"`
	Minimum     *int                `json:"minimum,omitempty"`
	Maximum     *int                `json:"maximum,omitempty"`
	MinLength   int                 `json:"minLength,omitempty"`
	MaxLength   int                 `json:"maxLength,omitempty"`
	Items       *Schema             `json:"items,omitempty"`
	MinItems    int                 `json:"minItems,omitempty"`
	MaxItems    int                 `json:"maxItems,omitempty"`
	Unique      bool                `json:"uniqueItems,omitempty"`
	Properties  map[string]*Schema  `json:"properties,omitempty"`
	Required    []string            `json:"required,omitempty"`
	Additional  any                 `json:"additionalProperties,omitempty"` // false, or a *Schema
	MinMembers  int                 `json:"minProperties,omitempty"`
	MaxMembers  int                 `json:"maxProperties,omitempty"`
	AnyOf       []*Schema           `json:"anyOf,omitempty"`
	AllOf       []*Schema           `json:"allOf,omitempty"`
	OneOf       []*Schema           `json:"oneOf,omitempty"`
	Goes        map[string][]string `json:"dependencies,omitempty"` // members that each one requires
	Ref         string              `json:"$ref,omitempty"`
	Definitions map[string]*Schema  `json:"definitions,omitempty"`
}

// Shapes are the schemas of an object's members.
type Shapes map[string]*Schema

// ObjectSchema describes an object by the decoder's own list of members. It
// panics when the two do not name the same ones.
func ObjectSchema(m *Members, about string, of Shapes) *Schema {
	for _, name := range m.Names {
		if of[name] == nil {
			panic("the schema lacks " + name)
		}
	}
	if len(of) != len(m.Names) {
		panic("the schema has members that the decoder does not know: it knows " + strings.Join(m.Names, ", "))
	}
	return &Schema{
		Type: "object", Description: about, Properties: of, Required: slices.Clone(m.Names[:m.Required]), Additional: false,
	}
}

// ExactlyOne requires exactly one of the object's members.
func (s *Schema) ExactlyOne() *Schema {
	s.MinMembers, s.MaxMembers = 1, 1
	return s
}

// OneOfThese requires exactly one of the given members.
func (s *Schema) OneOfThese(members ...string) *Schema {
	for _, name := range members {
		s.OneOf = append(s.OneOf, &Schema{Required: []string{name}})
	}
	return s
}

// WithDefault says what a member is when it is left out; a duration is written
// as it is in a configuration.
func (s *Schema) WithDefault(value any) *Schema {
	if d, ok := value.(time.Duration); ok {
		value = shortDuration(d)
	}
	s.Default = value
	return s
}

// WithExamples adds values that an editor offers.
func (s *Schema) WithExamples(examples ...any) *Schema {
	s.Examples = examples
	return s
}

// TextSchema is any string.
func TextSchema(about string) *Schema { return &Schema{Type: "string", Description: about} }

// PatternSchema is a string that fits a regular expression.
func PatternSchema(about, pattern string) *Schema {
	return &Schema{Type: "string", Description: about, Pattern: pattern}
}

// WordSchema is one of a few strings.
func WordSchema(about string, words ...string) *Schema {
	return &Schema{Type: "string", Description: about, Enum: words}
}

// BooleanSchema is true or false.
func BooleanSchema(about string) *Schema { return &Schema{Type: "boolean", Description: about} }

// IntegerSchema is a whole number from low to high.
func IntegerSchema(about string, low, high int) *Schema {
	return &Schema{Type: "integer", Description: about, Minimum: &low, Maximum: &high}
}

// DurationSchema states the bounds in words: JSON Schema cannot compare
// durations.
func DurationSchema(about string, low, high time.Duration) *Schema {
	return PatternSchema(strings.TrimPrefix(about+" From ", " ")+shortDuration(low)+" to "+shortDuration(high)+".",
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

// ListSchema is a list of at least low and at most high items; Unbounded for no
// bound of its own.
func ListSchema(about string, item *Schema, low, high int) *Schema {
	return &Schema{Type: "array", Description: about, Items: item, MinItems: low, MaxItems: max(high, 0)}
}

// TextsSchema is an object with at most high members of any name, each a string
// of at most length bytes.
func TextsSchema(about string, high, length int) *Schema {
	return &Schema{Type: "object", Description: about, Additional: &Schema{Type: "string", MaxLength: length}, MaxMembers: high}
}

// Either is one value or a list of them.
func Either(about string, one, list *Schema) *Schema {
	return &Schema{Description: about, AnyOf: []*Schema{one, list}}
}

// OrOff also takes the word off.
func OrOff(about string, s *Schema) *Schema {
	return &Schema{Description: about, AnyOf: []*Schema{{Const: "off"}, s}}
}
