package apikey

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// TestKeyBehindAScheme: what is a key in Authorization, and that it goes no further, while a token does.
func TestKeyBehindAScheme(t *testing.T) {
	v := verifier(t, []catalog.App{{Name: "portal"}})
	places := []policy.Place{{Header: "authorization", Scheme: "ApiKey"}, {Header: "x-api-key"}}
	step, remove := NewVerify(v.catalog, places), NewRemove(places)
	const passes = denial.Reason(255)
	for name, tt := range map[string]struct {
		headers []host.Header
		want    denial.Reason
		removed []string
	}{
		"the scheme":                   {[]host.Header{{Name: "authorization", Value: "ApiKey portal"}}, passes, []string{"authorization"}},
		"in small letters":             {[]host.Header{{Name: "authorization", Value: "apikey portal"}}, passes, []string{"authorization"}},
		"in capitals, with blanks":     {[]host.Header{{Name: "authorization", Value: " APIKEY \t portal\t"}}, passes, []string{"authorization"}},
		"another scheme":               {[]host.Header{{Name: "authorization", Value: "Bearer portal"}}, denial.APIKeyMissing, nil},
		"a scheme that begins alike":   {[]host.Header{{Name: "authorization", Value: "ApiKeys portal"}}, denial.APIKeyMissing, nil},
		"no blank behind it":           {[]host.Header{{Name: "authorization", Value: "ApiKey:portal"}}, denial.APIKeyMissing, nil},
		"no scheme":                    {[]host.Header{{Name: "authorization", Value: "portal"}}, denial.APIKeyMissing, nil},
		"nothing behind it":            {[]host.Header{{Name: "authorization", Value: "ApiKey"}}, denial.APIKeyUnknown, []string{"authorization"}},
		"another key":                  {[]host.Header{{Name: "authorization", Value: "ApiKey shop"}}, denial.APIKeyUnknown, []string{"authorization"}},
		"two keys":                     {[]host.Header{{Name: "authorization", Value: "ApiKey portal"}, {Name: "authorization", Value: "ApiKey portal"}}, denial.APIKeyAmbiguous, []string{"authorization"}},
		"two keys, joined":             {[]host.Header{{Name: "authorization", Value: "ApiKey portal,ApiKey portal"}}, denial.APIKeyAmbiguous, []string{"authorization"}},
		"beside a token":               {[]host.Header{{Name: "authorization", Value: "Bearer t"}, {Name: "authorization", Value: "ApiKey portal"}}, denial.APIKeyAmbiguous, []string{"authorization"}},
		"beside a token, joined":       {[]host.Header{{Name: "authorization", Value: "Bearer t,ApiKey portal"}}, denial.APIKeyAmbiguous, []string{"authorization"}},
		"beside a token, in its place": {[]host.Header{{Name: "authorization", Value: "Bearer t"}, {Name: "x-api-key", Value: "portal"}}, passes, []string{"x-api-key"}},
		"in both places":               {[]host.Header{{Name: "authorization", Value: "ApiKey portal"}, {Name: "x-api-key", Value: "portal"}}, denial.APIKeyAmbiguous, []string{"x-api-key", "authorization"}},
		"nothing":                      {nil, denial.APIKeyMissing, nil},
	} {
		x := &pipeline.Exchange{Method: "GET", Now: second, API: pipeline.API{Name: "api", Version: "v1", PathSuffix: "/"}, Headers: tt.headers}
		got := passes
		if d, denied := step.Apply(x).Denial(); denied {
			got = d.Reason
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
		remove.Apply(x)
		if diff := cmp.Diff(tt.removed, x.Edits.Remove, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: removed (-want +got):\n%s", name, diff)
		}
	}
}
