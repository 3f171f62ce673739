package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/filter/internal/condition"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(ConfigSchema())
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("sallyport.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("sallyport.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// place is a value of a document with the schema for it.
type place struct {
	path   string
	schema *decode.Schema
	value  any
	set    func(any)
}

// definitions are what the schema's references mean.
var definitions = map[string]*decode.Schema{"#/definitions/sequence": sequenceSchema(), "#/definitions/when": condition.Schema()}

// places goes through a document and the schema together.
func places(path string, s *decode.Schema, value any, set func(any), visit func(place)) {
	if s.AllOf != nil {
		s = definitions[s.AllOf[0].Ref]
	}
	for _, one := range s.AnyOf {
		if describes(one, value) {
			s = one
		}
	}
	visit(place{path, s, value, set})
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			below := s.Properties[name]
			if below == nil { // a name of its own
				below, _ = s.Additional.(*decode.Schema)
			}
			places(path+"."+name, below, member, func(v any) { value[name] = v }, visit)
		}
	case []any:
		for i, item := range value {
			places(path+"["+strconv.Itoa(i)+"]", s.Items, item, func(v any) { value[i] = v }, visit)
		}
	}
}

// describes tells whether the schema is one of such values; one that only says
// which members must be there describes none.
func describes(s *decode.Schema, value any) bool {
	switch value.(type) {
	case string:
		return s.Const != nil || s.Type == "string"
	case float64:
		return s.Type == "integer"
	case map[string]any:
		return s.Type == "object"
	case []any:
		return s.Type == "array"
	}
	return false
}

// everyMember is a configuration with every member that the decoder knows.
func everyMember(t *testing.T) any {
	t.Helper()
	text, err := os.ReadFile("testdata/every_member.yaml")
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := Load(data, anyEnv); len(problems) > 0 {
		t.Fatal(problems)
	}
	var document any
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// TestSchemaHasTheDecodersMembers asks the decoder itself, at every object of a configuration that has them all.
func TestSchemaHasTheDecodersMembers(t *testing.T) {
	document, seen := everyMember(t), map[*decode.Schema]map[string]bool{}
	root := ConfigSchema()
	places("", root, document, nil, func(at place) {
		object, ok := at.value.(map[string]any)
		if !ok {
			return
		}
		if seen[at.schema] == nil {
			seen[at.schema] = map[string]bool{}
		}
		for name := range object {
			seen[at.schema][name] = true
		}
		if at.schema.Properties["spike_arrest"] != nil {
			return // a step, whose name has a message of its own
		}
		object["no_member"] = true
		defer delete(object, "no_member")
		want := slices.Sorted(maps.Keys(at.schema.Properties))
		if diff := cmp.Diff(want, knownMembers(t, document)); diff != "" {
			t.Errorf("%s (-schema +decoder):\n%s", at.path, diff)
		}
	})
	var all func(path string, s *decode.Schema)
	all = func(path string, s *decode.Schema) {
		for name, member := range s.Properties {
			if !seen[s][name] && !isAlternative(s) {
				t.Errorf("testdata/every_member.yaml lacks %s.%s", path, name)
			}
			all(path+"."+name, member)
		}
		if s.Items != nil {
			all(path+"[]", s.Items)
		}
		for _, one := range s.AnyOf {
			all(path, one)
		}
	}
	all("", root)
	for name, definition := range definitions {
		all(name, definition)
	}
}

// isAlternative is true for objects with one member of several.
func isAlternative(s *decode.Schema) bool { return s.MaxMembers == 1 || s.OneOf != nil }

var listedMembers = regexp.MustCompile(`known members: (.*)$`)

func knownMembers(t *testing.T, document any) []string {
	t.Helper()
	for _, message := range refusals(t, document) {
		if m := listedMembers.FindStringSubmatch(message); m != nil {
			return slices.Sorted(slices.Values(strings.Split(m[1], ", ")))
		}
	}
	return nil
}

func refusals(t *testing.T, document any) (messages []string) {
	t.Helper()
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	_, problems := Load(data, anyEnv)
	for _, p := range problems {
		messages = append(messages, p.String())
	}
	return messages
}

// seenBySchema are the decoder's words for what the schema must see too. A duration's bounds and a rate's are no
// part of it.
var seenBySchema = regexp.MustCompile(`must be (an object|a list|a string|true or false|a whole number|a duration .*, got (a|an|true|null) |"|either|one of the steps|the SHA-256|the name of)|is not a known member|must not be empty; leave|must have at (least one|most)|must name one`)

// TestSchemaAgreesWithTheDecoder changes a configuration in one place at a time. What the schema refuses the decoder
// refuses; and what is wrong in form both refuse.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	schema, document := compiledSchema(t), everyMember(t)
	mutants, refused := 0, 0
	try := func(what string) {
		mutants++
		invalid, messages := schema.Validate(document), refusals(t, document)
		if invalid != nil {
			refused++
		}
		switch {
		case invalid != nil && len(messages) == 0:
			t.Errorf("%s: only the schema refuses it: %v", what, invalid)
		case invalid == nil && slices.ContainsFunc(messages, seenBySchema.MatchString):
			t.Errorf("%s: only the decoder refuses it: %v", what, messages)
		}
	}
	places("", ConfigSchema(), document, func(v any) {}, func(at place) {
		if at.path == "" {
			return
		}
		for _, other := range mutations(at.schema) {
			at.set(other)
			try(fmt.Sprintf("%s: %v", at.path, other))
		}
		at.set(at.value)
		if object, ok := at.value.(map[string]any); ok {
			for name, member := range maps.Clone(object) {
				delete(object, name)
				try(at.path + " without " + name)
				object[name] = member
			}
			object["no_member"] = true
			try(at.path + " with another member")
			delete(object, "no_member")
		}
	})
	if refused < mutants/2 {
		t.Errorf("the schema refused %d of %d", refused, mutants)
	}
	t.Logf("%d configurations with one change, %d of them refused by the schema", mutants, refused)
}

// mutations are values of every type, and those at and beyond the schema's bounds.
func mutations(s *decode.Schema) []any {
	all := []any{nil, true, 1.5, "no such word\x7f", "", "off", []any{}, map[string]any{}, []any{map[string]any{}}}
	if s.Minimum != nil {
		all = append(all, *s.Minimum, *s.Minimum-1, *s.Maximum, *s.Maximum+1)
	}
	if s.MaxLength > 0 {
		all = append(all, strings.Repeat("a", s.MaxLength), strings.Repeat("a", s.MaxLength+1))
	}
	if s.Default != nil {
		all = append(all, s.Default)
	}
	for _, word := range s.Enum {
		all = append(all, word, strings.ToUpper(word))
	}
	return append(all, s.Examples...)
}
