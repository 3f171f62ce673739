package config

import (
	"strings"

	"github.com/tidwall/gjson"
)

// value is the text of one JSON value, known to be valid.
type value string

func (v value) isObject() bool { return v[0] == '{' }
func (v value) isList() bool   { return v[0] == '[' }
func (v value) isString() bool { return v[0] == '"' }
func (v value) isBool() bool   { return v[0] == 't' || v[0] == 'f' }
func (v value) isNull() bool   { return v[0] == 'n' }
func (v value) isNumber() bool { return v[0] == '-' || '0' <= v[0] && v[0] <= '9' }

func (v value) typeName() string {
	switch {
	case v.isObject():
		return "an object"
	case v.isList():
		return "a list"
	case v.isString():
		return "a string"
	case v.isBool():
		return "true or false"
	case v.isNumber():
		return "a number"
	}
	return "null"
}

// content is the text of a string. It may share the document's memory.
func (v value) content() string {
	if strings.IndexByte(string(v), '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	return gjson.Parse(string(v)).Str
}

// each goes through an object or a list; keys are unescaped, "" in a list.
func (v value) each(item func(key string, v value) bool) {
	gjson.Result{Type: gjson.JSON, Raw: string(v)}.ForEach(func(key, v gjson.Result) bool {
		return item(key.Str, value(v.Raw))
	})
}
