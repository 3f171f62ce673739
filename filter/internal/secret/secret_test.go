package secret_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
)

const text = "hunter2-hunter2"

// hidden has the value where fmt may not call its methods.
type hidden struct{ v secret.Value }

func TestValueIsNeverPrinted(t *testing.T) {
	v := secret.New(text)
	values := map[string]any{
		"value":            v,
		"pointer":          &v,
		"unexported field": hidden{v},
		"pointer to it":    &hidden{v},
		"slice":            []secret.Value{v},
		"map":              map[string]secret.Value{"a": v},
		"error":            fmt.Errorf("send %v", v),
		"joined":           errors.Join(fmt.Errorf("%+v", hidden{v})),
	}
	hexText := fmt.Sprintf("%x", text)
	decimal := fmt.Sprint([]byte(text[:4]))
	decimal = decimal[1 : len(decimal)-1]
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%o", "%b", "%t", "%e", "%p", "%T", "%10.3s"} {
			got := fmt.Sprintf(verb, value)
			lower := strings.ToLower(strings.ReplaceAll(got, " ", ""))
			if strings.Contains(got, text[:4]) || strings.Contains(lower, hexText[:8]) || strings.Contains(got, decimal) {
				t.Errorf("%s with %s shows the secret: %s", name, verb, got)
			}
		}
	}
	for _, verb := range []string{"%v", "%#v", "%d", "%x", "%s", "%q"} {
		if got := fmt.Sprintf(verb, v); got != "[redacted]" {
			t.Errorf("%s gave %q", verb, got)
		}
	}
	encoded, err := json.Marshal(map[string]any{"a": v, "b": hidden{v}})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(encoded), text) || !strings.Contains(string(encoded), "[redacted]") {
		t.Errorf("encoded as %s", encoded)
	}
}

func TestReveal(t *testing.T) {
	for _, want := range []string{"", "a", text, "\x00\xff"} {
		v := secret.New(want)
		if got := v.Reveal(); got != want {
			t.Errorf("Reveal gave %q, want %q", got, want)
		}
		if got := v.Empty(); got != (want == "") {
			t.Errorf("Empty of %q is %v", want, got)
		}
	}
	if !(secret.Value{}).Empty() {
		t.Error("the zero value is not empty")
	}
}

func TestEqual(t *testing.T) {
	tests := []struct {
		name string
		a, b string
		want bool
	}{
		{"same", "abc", "abc", true},
		{"other byte", "abc", "abd", false},
		{"prefix", "abc", "ab", false},
		{"empty against some", "", "a", false},
		{"empty against empty", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := secret.New(tt.a).Equal(secret.New(tt.b)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := secret.New(tt.b).Equal(secret.New(tt.a)); got != tt.want {
				t.Errorf("the other way round: got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	a, b := secret.New("abc").Fingerprint(), secret.New("abd").Fingerprint()
	if !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(a) {
		t.Errorf("fingerprint is %q", a)
	}
	if a == b {
		t.Error("two secrets share a fingerprint")
	}
	if a != secret.New("abc").Fingerprint() {
		t.Error("fingerprint is not stable")
	}
	if got := secret.New("").Fingerprint(); got != "" {
		t.Errorf("the empty secret has fingerprint %q", got)
	}
}
