package config

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// FuzzConfig: whatever comes, there is either a configuration that builds or a
// bounded list of printable problems, and never the secret.
func FuzzConfig(f *testing.F) {
	for _, file := range fixtureFiles(f) {
		f.Add(readFixture(f, file).data)
	}
	base, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(base)
	const marker = "s3cr3t\x01marker"
	f.Fuzz(func(t *testing.T, data []byte) {
		c, problems := Load(data, func(string) (string, bool) { return marker, true })
		if (c == nil) != (len(problems) > 0) || len(problems) > decode.MaxKept+1 {
			t.Fatalf("config %v with %d problems", c != nil, len(problems))
		}
		for _, p := range problems {
			s := p.String()
			if len(s) > 2000 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("not fit for a log: %q", s)
			}
			if strings.Contains(s, "s3cr3t") && !strings.Contains(string(data), "s3cr3t") {
				t.Errorf("shows the secret: %s", s)
			}
		}
		if c == nil {
			return
		}
		sequences := c.Sequences(host.Ports{Store: memstore.New(nil), Dispatcher: (&dispatcher{}).dispatch})
		if len(sequences) == 0 || len(sequences) != c.Catalog.APICount() {
			t.Fatalf("%d sequences for %d APIs", len(sequences), c.Catalog.APICount())
		}
		if again, _ := Load(data, func(string) (string, bool) { return marker, true }); again == nil {
			t.Error("the same bytes are refused the second time")
		}
	})
}
