package catalog

import (
	"strings"
	"testing"
)

func mustNew(t testing.TB, apis []API, products []Product, apps []App) *Catalog {
	t.Helper()
	c, problems := New(apis, products, apps)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return c
}

func TestResolveAPI(t *testing.T) {
	c := mustNew(t, []API{
		{Name: "any", Version: "v1", BasePath: "/"},
		{Name: "any-customers", Version: "v1", BasePath: "/customers"},
		{Name: "exact", Version: "v1", Hosts: []string{"API.example.com"}, BasePath: "/customers"},
		{Name: "exact", Version: "v2", Hosts: []string{"api.example.com"}, BasePath: "/customers/v2"},
		{Name: "wild", Version: "v1", Hosts: []string{"*.example.com"}, BasePath: "/customers"},
		{Name: "wilder", Version: "v1", Hosts: []string{"*.com"}, BasePath: "/customers"},
		{Name: "ipv6", Version: "v1", Hosts: []string{"[::1]"}, BasePath: "/"},
	}, nil, nil)
	tests := []struct {
		name            string
		authority, path string
		api             string // "" means none
		suffix          string
	}{
		{"exact host", "api.example.com", "/customers/1", "exact v1", "/1"},
		{"base path itself", "api.example.com", "/customers", "exact v1", "/"},
		{"base path with a slash", "api.example.com", "/customers/", "exact v1", "/"},
		{"longest base path", "api.example.com", "/customers/v2/1", "exact v2", "/1"},
		{"boundary of a level", "api.example.com", "/customers/v2x/1", "exact v1", "/v2x/1"},
		{"no base path of the exact host", "api.example.com", "/customersx", "any v1", "/customersx"},
		{"case of the host", "Api.EXAMPLE.com", "/customers", "exact v1", "/"},
		{"case of the path that no other API's has", "api.example.com", "/Invoices", "any v1", "/Invoices"},
		{"port", "api.example.com:8443", "/customers/1", "exact v1", "/1"},
		{"dot of a full name", "api.example.com.", "/customers/1", "exact v1", "/1"},
		{"dot and port", "api.example.com.:443", "/customers/1", "exact v1", "/1"},
		{"wildcard", "other.example.com", "/customers/1", "wild v1", "/1"},
		{"wildcard, deeper", "a.b.example.com", "/customers/1", "wild v1", "/1"},
		{"shorter wildcard", "example.com", "/customers/1", "wilder v1", "/1"},
		{"wildcard without its label", "com", "/customers/1", "any-customers v1", "/1"},
		{"any host", "localhost", "/x", "any v1", "/x"},
		{"IPv4", "127.0.0.1:80", "/x", "any v1", "/x"},
		{"IPv6", "[::1]", "/x", "ipv6 v1", "/x"},
		{"IPv6 with a port", "[::1]:8080", "/x", "ipv6 v1", "/x"},
		{"suffix as it was sent", "api.example.com", "/customers/a%20b;v=1", "exact v1", "/a%20b;v=1"},

		{"empty path", "api.example.com", "", "", ""},
		{"asterisk", "api.example.com", "*", "", ""},
		{"ambiguous path", "api.example.com", "/customers/../x", "", ""},
		{"another API once decoded", "api.example.com", "/%63ustomers/1", "", ""},
		{"another API without path parameters", "api.example.com", "/customers;x=1/1", "", ""},
		{"another API without encoded path parameters", "api.example.com", "/customers%3bx=1/1", "", ""},
		{"another version without path parameters", "api.example.com", "/customers/v2;x/1", "", ""},
		{"no authority", "", "/x", "", ""},
		{"user in the authority", "u@api.example.com", "/customers", "", ""},
		{"port that is none", "api.example.com:x", "/customers", "", ""},
		{"two dots", "api..example.com", "/customers", "", ""},
		{"only a dot", ".", "/customers", "", ""},
		{"IPv6 without brackets", "::1", "/x", "", ""},
		{"slash in the authority", "api.example.com/customers", "/x", "", ""},
		{"long authority", strings.Repeat("a", 256), "/x", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			index, suffix, match := c.ResolveAPI(tt.authority, tt.path)
			if (match == ResolvedAPI) != (tt.api != "") {
				t.Fatalf("match is %v, index %d", match, index)
			}
			if match != ResolvedAPI {
				return
			}
			a := c.APIAt(index)
			if got := a.Name + " " + a.Version; got != tt.api || suffix != tt.suffix {
				t.Errorf("got %s with %q, want %s with %q", got, suffix, tt.api, tt.suffix)
			}
		})
	}
}

func TestResolveAPIWithoutAnyHost(t *testing.T) {
	c := mustNew(t, []API{{Name: "a", Version: "v1", Hosts: []string{"a.example"}, BasePath: "/a"}}, nil, nil)
	for _, authority := range []string{"b.example", "x.a.example", "example"} {
		if _, _, match := c.ResolveAPI(authority, "/a"); match != NoAPI {
			t.Errorf("%s is answered", authority)
		}
	}
	if _, _, match := c.ResolveAPI("a.example", "/"); match != NoAPI {
		t.Error("the root is answered")
	}
}

func FuzzResolveAPI(f *testing.F) {
	f.Add("api.example.com:80", "/customers/v1/x")
	f.Add("[::1]:8080", "/")
	f.Add("a.b.example.com.", "/customers;x")
	c := mustNew(f, []API{
		{Name: "a", Version: "v1", Hosts: []string{"api.example.com"}, BasePath: "/customers/v1"},
		{Name: "b", Version: "v1", Hosts: []string{"*.example.com"}, BasePath: "/customers"},
		{Name: "c", Version: "v1", Hosts: []string{"[::1]"}, BasePath: "/"},
	}, nil, nil)
	f.Fuzz(func(t *testing.T, authority, path string) {
		index, suffix, match := c.ResolveAPI(authority, path)
		if match != ResolvedAPI {
			return
		}
		a := c.APIAt(index)
		if suffix == "" || suffix[0] != '/' {
			t.Fatalf("suffix is %q", suffix)
		}
		base := strings.TrimSuffix(a.BasePath, "/")
		if joined := base + suffix; joined != path && joined != path+"/" {
			t.Errorf("%q was split into %q and %q", path, base, suffix)
		}
		host := strings.ToLower(authority)
		if !strings.Contains(host, strings.TrimPrefix(a.Hosts[0], "*")) {
			t.Errorf("%q led to host %q", authority, a.Hosts[0])
		}
	})
}

func BenchmarkResolveAPI(b *testing.B) {
	c := mustNew(b, []API{
		{Name: "a", Version: "v1", Hosts: []string{"api.example.com"}, BasePath: "/customers/v1"},
		{Name: "b", Version: "v1", Hosts: []string{"*.example.com"}, BasePath: "/customers"},
		{Name: "c", Version: "v1", BasePath: "/"},
	}, nil, nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, match := c.ResolveAPI("api.example.com:8443", "/customers/v1/orders/12"); match != ResolvedAPI {
			b.Fatal("not found")
		}
	}
}
