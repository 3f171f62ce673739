package decode

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
)

// FuzzEach: of any valid object or list, each gives the members that gjson gives.
func FuzzEach(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[]`, ` { } `, `[1]`, `[ 1 , 2 ]`, `{"a":1}`, `{ "a" : [ 1, {"b": "]"} ] , "c":null}`, "[\"a\\\"\",\t\"\\\\\",true\r\n,false, -1.5e3]",
		`{"a":"{","b":[["\"]"]],"":{}}`, `{"\u0061\n":"\ud83d\ude00","a":1,"a":2}`, `[[],[[]],{"a":{}}]`, `{"a":"\\"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := NewReader(nil)
		v, ok := r.Document([]byte(text))
		if !ok && gjson.Valid(text) && gjson.Parse(text).IsArray() {
			v, ok = Value(ascii.Trim(text, " \t\r\n")), true
		}
		if !ok {
			return
		}
		var want, got []string
		gjson.Parse(string(v)).ForEach(func(key, item gjson.Result) bool {
			want = append(want, key.Str, item.Raw)
			return true
		})
		v.Each(func(key string, item Value) bool {
			got = append(got, key, string(item))
			return true
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("members (-gjson +each):\n%s", diff)
		}
	})
}
