package command

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/bundle"
)

// FuzzApigeeImport: whatever a policy and an endpoint say, the import ends in a
// configuration that check --strict takes, or in a refusal that says why.
func FuzzApigeeImport(f *testing.F) {
	cases, err := filepath.Glob("testdata/apigee/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range cases {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		endpoint := ""
		for _, part := range archive.Files {
			switch {
			case strings.Contains(part.Name, "proxies/"):
				endpoint = string(part.Data)
			case strings.Contains(part.Name, "policies/"):
				f.Add(endpoint, string(part.Data))
			}
		}
	}
	f.Fuzz(func(t *testing.T, endpoint, policy string) {
		b := &bundle.Bundle{Kind: bundle.Proxy, Name: "fuzzed", Root: "fuzzed", Files: map[string][]byte{
			"proxies/default.xml": []byte(endpoint), "policies/P.xml": []byte(policy),
			"targets/default.xml": []byte(`<TargetEndpoint name="default"><HTTPTargetConnection><URL>https://b.example.com</URL></HTTPTargetConnection></TargetEndpoint>`),
		}}
		results, _ := apigee.Import([]*bundle.Bundle{b}, apigee.Options{Audience: []string{"a"}, Issuer: "https://i.example.com", JWKS: "https://i.example.com/keys", Introspection: "https://i.example.com/introspect"})
		for _, r := range results {
			if r.Config == nil {
				if len(r.Report.Problems) == 0 {
					t.Fatal("refused without a reason")
				}
				continue
			}
			for _, fault := range strictFaults(r.Config) {
				// One open API above a guarded one is for the command to refuse.
				if !strings.Contains(fault, "is open and is above") {
					t.Errorf("%s\n%s", fault, r.Config)
				}
			}
		}
	})
}
