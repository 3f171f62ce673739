package advice

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

func TestOverlaps(t *testing.T) {
	const key, spike = "sequence: [{verify_api_key: {}}]", "sequence: [{spike_arrest: {}}]"
	for _, tt := range []struct {
		name, apis string
		want       []string // paths of the findings
	}{
		{"open above guarded", "{name: o, base_path: /, sequence: []}, {name: g, base_path: /admin, " + key + "}", []string{"apis[0]"}},
		{"a limit is no guard", "{name: g, base_path: /a/b/c, " + key + "}, {name: o, base_path: /a, " + spike + "}", []string{"apis[1]"}},
		{"letter case does not count", "{name: o, base_path: /Shop, sequence: []}, {name: g, base_path: /shop/admin, " + key + "}", []string{"apis[0]"}},
		{"a guard that is off, or refuses nothing", "{name: o, base_path: /, sequence: [{verify_api_key: {enabled: false}}]}, {name: d, base_path: /a, sequence: [{verify_api_key: {dry_run: true}}]}, {name: g, base_path: /a/b, " + key + "}", []string{"apis[1]", "apis[0]"}},
		{"guarded above open", "{name: g, base_path: /, " + key + "}, {name: o, base_path: /public, sequence: []}", nil},
		{"beside each other", "{name: g, base_path: /admin, " + key + "}, {name: o, base_path: /administrators, sequence: []}", nil},
		{"by the default sequence", "{name: o, base_path: /, sequence: []}, {name: g, base_path: /admin}", []string{"apis[0]"}},
		{"the same base path, one of them for any host", "{name: o, base_path: /a, sequence: []}, {name: g, base_path: /a, hosts: [h.example], " + key + "}", []string{"apis[0]"}},
		{"a wildcard of the host", "{name: o, base_path: /, hosts: ['*.Example.com'], sequence: []}, {name: g, base_path: /a, hosts: [api.example.com], " + key + "}", []string{"apis[0]"}},
		{"other hosts", "{name: o, base_path: /, hosts: ['*.example.com', example.org], sequence: []}, {name: g, base_path: /a, hosts: [api.example.org, example.com], " + key + "}", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := document.Parse([]byte("apis: [" + tt.apis + "]\nsequence: [{introspect_token: {}}]\n"))
			if err != nil {
				t.Fatal(err)
			}
			a := &adviser{}
			a.overlaps(d.Root())
			var got []string
			for _, f := range a.findings {
				got = append(got, f.Path)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s\n%v", diff, a.findings)
			}
		})
	}
}
