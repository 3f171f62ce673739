package scenario

import (
	"strings"
	"testing"
	"time"
)

func TestParseAnswer(t *testing.T) {
	v := Vars{Now: time.Unix(1000, 0)}
	a, err := ParseAnswer("okta.http", []byte("HTTP/1.1 200\ncontent-type: application/json\n\n{\"exp\":${now+5}}\n"), v)
	if err != nil || a.Response.Status != 200 || string(a.Response.Body) != `{"exp":1005}` || len(a.Response.Headers) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := ParseAnswer("okta.http", []byte("fault: slow 2s\nHTTP/1.1 204\n"), v); err != nil || a.Delay != 2*time.Second || a.Response.Status != 204 {
		t.Errorf("%+v, %v", a, err)
	}
	for text, want := range map[string]string{
		"":                        "okta.http:1: an answer starts with a line HTTP/1.1 STATUS",
		"HTTP/1.1 99\n":           "okta.http:1: status line",
		"fault: meteor\n":         `okta.http:1: unknown fault "meteor"`,
		"HTTP/1.1 200\n\n${moon}": "moon",
	} {
		if _, err := ParseAnswer("okta.http", []byte(text), v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
