package catalog

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"
)

// overlapping has open APIs above, below and beside guarded ones.
func overlapping(t testing.TB) *Catalog {
	t.Helper()
	return mustNew(t, []API{
		{Name: "open", Version: "v1", BasePath: "/"},
		{Name: "admin", Version: "v1", BasePath: "/admin"},
		{Name: "orders", Version: "v1", BasePath: "/shop/orders"},
		{Name: "orders", Version: "v2", BasePath: "/shop/orders/v2"},
		{Name: "host", Version: "v1", Hosts: []string{"api.example.com"}, BasePath: "/customers"},
		{Name: "host-public", Version: "v1", Hosts: []string{"api.example.com"}, BasePath: "/customers/public"},
		{Name: "wild", Version: "v1", Hosts: []string{"*.example.com"}, BasePath: "/billing"},
	}, nil, nil)
}

// TestPathReadingsThatBelongToAnotherAPI: each spelling is of a path below the
// second API for some backend, and stands below the first one as it is.
func TestPathReadingsThatBelongToAnotherAPI(t *testing.T) {
	c := overlapping(t)
	for _, tt := range []struct{ name, host, path string }{
		{"capitals", "h", "/ADMIN/users"},
		{"one capital", "h", "/admiN"},
		{"an encoded letter", "h", "/%61dmin/users"},
		{"an encoded capital", "h", "/%41dmin/users"},
		{"an encoded letter at the end", "h", "/admi%6e"},
		{"a letter encoded twice", "h", "/%2561dmin"},
		{"a letter encoded three times", "h", "/%252561dmin"},
		{"a letter whose digits are encoded", "h", "/%25%36%31dmin"},
		{"parameters", "h", "/admin;x=1/users"},
		{"parameters at the end", "h", "/admin;"},
		{"encoded parameters", "h", "/admin%3bx/users"},
		{"parameters and capitals", "h", "/Admin;jsessionid=1"},
		{"a blank at the end", "h", "/admin%20/users"},
		{"a blank in front", "h", "/%20admin"},
		{"a no-break space", "h", "/admin%C2%A0"},
		{"a dot at the end", "h", "/admin./users"},
		{"dots and blanks at the end", "h", "/admin.%20."},
		{"the stream of a directory", "h", "/admin:$i30:$index_allocation/users"},
		{"the stream of a file", "h", "/admin::$data"},
		{"letters of full width", "h", "/%EF%BD%81%EF%BD%84%EF%BD%8D%EF%BD%89%EF%BD%8E"},
		{"a capital of full width", "h", "/%EF%BC%A1dmin"},
		{"an accent", "h", "/adm%C3%ADn"},
		{"an accent of its own", "h", "/admi%CC%81n"},
		{"an accent, encoded twice", "h", "/adm%25C3%25ADn"},
		{"a dotless i", "h", "/adm%C4%B1n"},
		{"a mathematical a", "h", "/%F0%9D%90%9Admin"},
		{"a letter in a circle", "h", "/%E2%93%90dmin"},
		{"a character without width", "h", "/ad%E2%80%8Bmin"},
		{"a soft hyphen", "h", "/ad%C2%ADmin"},
		{"a long s", "h", "/%C5%BFhop/orders"},
		{"a base of two levels", "h", "/shop/Orders/1"},
		{"parameters between its levels", "h", "/shop;v=1/orders/1"},
		{"another version", "h", "/shop/orders/V2/1"},
		{"another version, with parameters", "h", "/shop/orders/v2;x"},
		{"a digit above the line", "h", "/shop/orders/v%C2%B2/1"},
		{"a digit below the line", "h", "/shop/orders/v%E2%82%82/1"},
		{"a digit in a circle", "h", "/shop/orders/v%E2%91%A1/1"},
		{"a letter in a square", "h", "/%F0%9F%84%B0dmin"},
		{"a letter with an accent below", "h", "/%E1%BA%A1dmin"},
		{"a letter above the line", "h", "/%E1%B5%83dmin"},
		{"an API of the host, below another", "api.example.com", "/customers/PUBLIC/1"},
		{"an API of the host, from one of any host", "api.example.com", "/CUSTOMERS/1"},
		{"an API of a wildcard, from one of any host", "x.example.com", "/Billing"},
		{"an API of any host, where the host has others", "API.example.com.:443", "/ADMIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if index, _, match := c.ResolveAPI(tt.host, tt.path); match != AmbiguousAPI {
				t.Errorf("%s belongs to API %d (%v), want ambiguous", tt.path, index, match)
			}
		})
	}
}

// TestPathReadingsThatAreHarmless: the same spellings pass where no other API
// is meant.
func TestPathReadingsThatAreHarmless(t *testing.T) {
	c := overlapping(t)
	for _, tt := range []struct{ host, path, api string }{
		{"h", "/Invoices/AbC", "open"},
		{"h", "/administrator", "open"},
		{"h", "/ADMINISTRATOR/x", "open"},
		{"h", "/x/ADMIN", "open"},
		{"h", "/x/admin;v=1", "open"},
		{"h", "/a%20b/caf%C3%A9", "open"},
		{"h", "/1:cancel/a@b,c", "open"},
		{"h", "/1%3Acancel/a%40b%2Cc", "open"},
		{"h", "/$metadata", "open"},
		{"h", "/%E8%AB%8B%E6%B1%82", "open"},
		{"h", "/e%EF%AC%83cient%E2%80%A6.pdf", "open"},
		{"h", "/100%25", "open"},
		{"h", "/v1.0/file.PDF", "open"},
		{"h", "/admin/Users/%C3%89mile;v=1", "admin"},
		{"h", "/shop/orders/AbC.", "orders"},
		{"h", "/shop/orders/v2/V2", "orders"},
		{"api.example.com", "/customers/Publications", "host"},
		{"api.example.com", "/customers/public/Public;x=1", "host-public"},
		{"api.example.com", "/Else", "open"},
		{"API.Example.com.:8443", "/customers/1", "host"},
	} {
		index, _, match := c.ResolveAPI(tt.host, tt.path)
		if match != ResolvedAPI || c.APIAt(index).Name != tt.api {
			t.Errorf("%s%s belongs to API %d (%v), want %s", tt.host, tt.path, index, match, tt.api)
		}
	}
}

// TestPathReadingsOfCapitalsInTheConfiguration: the configuration's own
// spelling is folded too.
func TestPathReadingsOfCapitalsInTheConfiguration(t *testing.T) {
	c := mustNew(t, []API{
		{Name: "open", Version: "v1", BasePath: "/"},
		{Name: "admin", Version: "v1", BasePath: "/Admin"},
	}, []Product{
		{Name: "all", APIs: []ProductAPI{{Name: "open", Operations: []Operation{{Path: "/Users/**"}}}}},
		{Name: "rest", APIs: []ProductAPI{{Name: "open"}}},
	}, []App{{Name: "x", Developer: "d", Products: []string{"all", "rest"}}})
	for path, want := range map[string]Match{"/Admin/1": ResolvedAPI, "/admin/1": AmbiguousAPI, "/ADMIN": AmbiguousAPI, "/else": ResolvedAPI} {
		if index, _, match := c.ResolveAPI("h", path); match != want {
			t.Errorf("%s belongs to API %d (%v), want %v", path, index, match, want)
		}
	}
	for path, want := range map[string]string{"/Users/1": "all", "/users/1": "", "/USERS/1": "", "/else/1": "rest", "/Else/1": "rest"} {
		p, ok := c.Grant(&c.apps[0], "open", "v1", "GET", path)
		if ok != (want != "") || ok && p.Name != want {
			t.Errorf("%s is granted by %v, want %q", path, p, want)
		}
	}
	_, problems := New([]API{{Name: "a", Version: "v1", BasePath: "/a"}, {Name: "b", Version: "v1", BasePath: "/A"}}, nil, nil)
	const want = `apis[1].base_path: must be the only such base path for any host, got "/A", also at apis[0] as "/a", which is the same to a backend that ignores letter case`
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("got %v, want %s", problems, want)
	}
}

// TestPathReadingsOfOperations: a grant that another product would make for
// another reading is none.
func TestPathReadingsOfOperations(t *testing.T) {
	c := mustNew(t, []API{{Name: "a", Version: "v1", BasePath: "/"}}, []Product{
		{Name: "admin", Scopes: []string{"admin"}, APIs: []ProductAPI{{Name: "a", Operations: []Operation{{Path: "/admin/**"}, {Path: "/o;x"}}}}},
		{Name: "rest", APIs: []ProductAPI{{Name: "a"}}},
	}, []App{{Name: "x", Developer: "d", Products: []string{"admin", "rest"}}})
	for path, want := range map[string]string{
		"/admin/1": "admin", "/admin/Abc;x": "admin", "/%61dmin/1": "admin", "/orders/AbC": "rest", "/orders;x/1": "rest", "/Administrator/1": "rest",
		"/ADMIN/1": "", "/Admin%20/1": "", "/admin;x/1": "", "/%2561dmin/1": "", "/adm%C3%ADn/1": "", "/%EF%BC%A1dmin/1": "", "/admin./1": "", "/o;x": "",
	} {
		p, ok := c.Grant(&c.apps[0], "a", "v1", "GET", path)
		if ok != (want != "") || ok && p.Name != want {
			t.Errorf("%s is granted by %v, want %q", path, p, want)
		}
	}
}

// someReadings are what backends make of a path: each decodes it some times,
// cuts parameters or not, and ignores case or not. They share nothing with fold.
func someReadings(sent string) (all []string) {
	for range 4 {
		cut := sent
		for at := strings.IndexByte(cut, ';'); at >= 0; at = strings.IndexByte(cut, ';') {
			end := len(cut)
			if slash := strings.IndexByte(cut[at:], '/'); slash >= 0 {
				end = at + slash
			}
			cut = cut[:at] + cut[end:]
		}
		all = append(all, sent, cut, strings.ToLower(sent), strings.ToLower(cut))
		decoded, err := url.PathUnescape(sent)
		if err != nil || decoded == sent {
			break
		}
		sent = decoded
	}
	return all
}

func FuzzPathReadings(f *testing.F) {
	for _, path := range []string{"/", "/admin", "/ADMIN/x", "/%2561dmin;x", "/shop;x/Orders/v2", "/%25%36%31dmin", "/x/..;/admin", "/a%3bb%2523"} {
		f.Add(path)
	}
	c := overlapping(f)
	f.Fuzz(func(t *testing.T, sent string) {
		index, _, match := c.ResolveAPI("h", sent)
		if match != ResolvedAPI {
			return
		}
		for _, reading := range someReadings(sent) {
			other, ok := c.byHost.find("h", path.Clean(reading), false)
			if ok && other.index != index {
				t.Errorf("%q belongs to API %d, and read as %q to %d", sent, index, reading, other.index)
			}
		}
	})
}

// TestPathReadingsCostNothing: a usual path is not copied, and neither is one
// with capitals where no other API could be meant.
func TestPathReadingsCostNothing(t *testing.T) {
	c := overlapping(t)
	for _, path := range []string{"/customers/public/orders/12", "/customers/public/Orders/AbC", "/customers/orders/12", "/else/x"} {
		allocated := testing.AllocsPerRun(100, func() {
			if _, _, match := c.ResolveAPI("api.example.com", path); match != ResolvedAPI {
				t.Fatal(path, match)
			}
		})
		if allocated != 0 {
			t.Errorf("%s: %v allocations", path, allocated)
		}
	}
}

// BenchmarkPathReadings resolves among so many APIs below one open one.
func BenchmarkPathReadings(b *testing.B) {
	for _, path := range []string{"/api-0/orders/12", "/api-0/Orders/AbC;x=%20", "/Else/AbC"} {
		for _, n := range []int{1, 10, 1000} {
			b.Run(strconv.Itoa(n)+path, func(b *testing.B) {
				apis := []API{{Name: "open", Version: "v1", BasePath: "/"}}
				for i := range n {
					apis = append(apis, API{Name: "a" + strconv.Itoa(i), Version: "v1", BasePath: "/api-" + strconv.Itoa(i)})
				}
				c := mustNew(b, apis, nil, nil)
				b.ReportAllocs()
				for b.Loop() {
					if _, _, match := c.ResolveAPI("api.example.com", path); match != ResolvedAPI {
						b.Fatal(match)
					}
				}
			})
		}
	}
}
