package catalog

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGrant(t *testing.T) {
	c := mustNew(t,
		[]API{
			{Name: "customers", Version: "v1", BasePath: "/customers/v1"},
			{Name: "customers", Version: "v2", BasePath: "/customers/v2"},
			{Name: "billing", Version: "v1", BasePath: "/billing"},
		},
		[]Product{
			{Name: "admin", APIs: []ProductAPI{{Name: "customers", Version: "v1", Operations: []Operation{{Path: "/admin/**"}}}}, Scopes: []string{"admin"}},
			{Name: "reader", APIs: []ProductAPI{{Name: "customers", Version: "v1", Operations: []Operation{
				{Path: "/orders/**", Methods: []string{"GET", "HEAD"}}, {Path: "/orders", Methods: []string{"POST"}},
			}}}},
			{Name: "customers", APIs: []ProductAPI{{Name: "customers"}}},
			{Name: "everything"},
		},
		[]App{
			{Name: "reader", Developer: "d", Products: []string{"reader"}},
			{Name: "wide", Developer: "d", Products: []string{"admin", "reader", "customers"}},
			{Name: "all", Developer: "d", Products: []string{"everything"}},
			{Name: "none", Developer: "d"},
		},
	)
	tests := []struct {
		name                      string
		app                       string
		api, version, method, sub string
		want                      string // "" means not granted
	}{
		{"operation", "reader", "customers", "v1", "GET", "/orders/1", "reader"},
		{"second operation", "reader", "customers", "v1", "POST", "/orders", "reader"},
		{"other method", "reader", "customers", "v1", "DELETE", "/orders/1", ""},
		{"method of another operation", "reader", "customers", "v1", "POST", "/orders/1", ""},
		{"method in small letters", "reader", "customers", "v1", "get", "/orders/1", ""},
		{"other path", "reader", "customers", "v1", "GET", "/invoices", ""},
		{"other version", "reader", "customers", "v2", "GET", "/orders/1", ""},
		{"other API", "reader", "billing", "v1", "GET", "/orders/1", ""},
		{"first product of the app", "wide", "customers", "v1", "GET", "/admin/1", "admin"},
		{"second product of the app", "wide", "customers", "v1", "GET", "/orders/1", "reader"},
		{"any operation", "wide", "customers", "v1", "DELETE", "/x", "customers"},
		{"any version", "wide", "customers", "v2", "DELETE", "/x", "customers"},
		{"any API", "all", "billing", "v1", "DELETE", "/x", "everything"},
		{"no products", "none", "billing", "v1", "GET", "/x", ""},
		{"encoded spelling leads to the same product", "wide", "customers", "v1", "GET", "/%61dmin/1", "admin"},
		{"two readings, two products", "wide", "customers", "v1", "GET", "/admin;x/1", ""},
		{"two readings, one product", "wide", "customers", "v1", "GET", "/admin/1;x", "admin"},
		{"two readings, one outside", "reader", "customers", "v1", "POST", "/orders;x", ""},
		{"ambiguous suffix", "all", "billing", "v1", "GET", "/a/../b", ""},
	}
	apps := map[string]*App{}
	for i := range c.apps {
		apps[c.apps[i].Name] = &c.apps[i]
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, ok := c.Grant(apps[tt.app], tt.api, tt.version, tt.method, tt.sub)
			got := ""
			if ok {
				got = p.Name
			}
			if ok != (tt.want != "") || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
	if _, ok := c.Grant(nil, "billing", "v1", "GET", "/x"); ok {
		t.Error("no app at all is granted something")
	}
	if _, ok := c.Grant(&App{Name: "all", Products: []string{"everything"}}, "billing", "v1", "GET", "/x"); ok {
		t.Error("an app that the catalog did not make is granted something")
	}
}

func TestZeroStatusIsNotApproved(t *testing.T) {
	if (App{}).Status == Approved || (Key{}).Status == Approved {
		t.Error("the zero value is approved")
	}
}

func TestFindKey(t *testing.T) {
	keys := make([]Key, 500)
	for i := range keys {
		keys[i] = Key{ID: "k" + strconv.Itoa(i), SHA256: sha256.Sum256([]byte(strconv.Itoa(i)))}
	}
	// The same first eight bytes, so that the chain of candidates is walked.
	same := keys[7].SHA256
	same[31] ^= 1
	keys[8].SHA256 = same
	c := mustNew(t, []API{{Name: "a", Version: "v1", BasePath: "/"}}, nil, []App{
		{Name: "one", Developer: "d", Keys: keys[:250]},
		{Name: "two", Developer: "d", Keys: keys[250:]},
	})
	for i, want := range keys {
		app, key, ok := c.FindKey(want.SHA256)
		if !ok || key.ID != want.ID {
			t.Fatalf("key %d: got %v, %v", i, key, ok)
		}
		if wantApp := []string{"one", "two"}[i/250]; app.Name != wantApp {
			t.Errorf("key %d: got app %s", i, app.Name)
		}
	}
	for _, unknown := range [][32]byte{{}, sha256.Sum256(nil), sha256.Sum256([]byte("500")), func() [32]byte { s := keys[7].SHA256; s[30] ^= 1; return s }()} {
		if app, key, ok := c.FindKey(unknown); ok || app != nil || key != nil {
			t.Errorf("%x is found", unknown)
		}
	}
}

func TestNewProblems(t *testing.T) {
	api := API{Name: "a", Version: "v1", BasePath: "/a"}
	with := func(change func(*API)) []API {
		changed := api
		change(&changed)
		return []API{changed}
	}
	granting := func(g ProductAPI) []Product { return []Product{{Name: "p", APIs: []ProductAPI{g}}} }
	apps := func(change func(*App)) []App {
		a := App{Name: "x", Developer: "d", Keys: []Key{{ID: "k", SHA256: [32]byte{1}}}}
		change(&a)
		return []App{a}
	}
	tests := []struct {
		name     string
		apis     []API
		products []Product
		apps     []App
		want     []string
	}{
		{"API without anything", []API{{}}, nil, nil, []string{"apis[0].name: is required and must not be empty", "apis[0].version: is required and must not be empty", `apis[0].base_path: is required; use "/" for everything`}},
		{"API name", with(func(a *API) { a.Name = "a b" }), nil, nil, []string{`apis[0].name: must consist of letters, digits, "-", ".", "_" and "~", got "a b"`}},
		{"API twice", []API{api, {Name: "a", Version: "v1", BasePath: "/b"}}, nil, nil, []string{`apis[1].name: must be unique together with the version, got "a" and "v1", also at apis[0]`}},
		{"base path without a slash", with(func(a *API) { a.BasePath = "x" }), nil, nil, []string{`apis[0].base_path: must start with "/", got "x"`}},
		{"base path with a slash at the end", with(func(a *API) { a.BasePath = "/x/" }), nil, nil, []string{`apis[0].base_path: must not end with "/", got "/x/"`}},
		{"base path with dots", with(func(a *API) { a.BasePath = "/x/../y" }), nil, nil, []string{`apis[0].base_path: must be a plain path without "//", "." or ".." levels, got "/x/../y"`}},
		{"base path with a pattern", with(func(a *API) { a.BasePath = "/x/*" }), nil, nil, []string{`apis[0].base_path: must consist of "/", letters, digits, "-", ".", "_" and "~" (no patterns, no percent-encoding), got "/x/*"`}},
		{"host with a port", with(func(a *API) { a.Hosts = []string{"a.example:80"} }), nil, nil, []string{`apis[0].hosts[0]: must be a host name without a port, or "*." followed by a name, got "a.example:80"`}},
		{"host that is a star", with(func(a *API) { a.Hosts = []string{"*"} }), nil, nil, []string{`apis[0].hosts[0]: must be a host name without a port, or "*." followed by a name, got "*"`}},
		{"host twice", with(func(a *API) { a.Hosts = []string{"a.example", "A.example"} }), nil, nil, []string{`apis[0].hosts[1]: must be listed only once, got "A.example" twice`}},
		{"colliding base paths", []API{api, {Name: "b", Version: "v1", BasePath: "/a"}}, nil, nil, []string{`apis[1].base_path: must be the only such base path for any host, got "/a", also at apis[0]`}},
		{"colliding base paths of a host", []API{
			{Name: "a", Version: "v1", Hosts: []string{"x.example"}, BasePath: "/"}, {Name: "b", Version: "v1", Hosts: []string{"y.example", "X.example"}, BasePath: "/"},
		}, nil, nil, []string{`apis[1].hosts[1]: must not have the same base path as another API, got "X.example" with "/", also at apis[0]`}},
		{"product twice", []API{api}, []Product{{Name: "p"}, {Name: "p"}}, nil, []string{`products[1].name: must be unique, got "p", also at products[0]`}},
		{"product names an unknown API", []API{api}, granting(ProductAPI{Name: "A"}), nil, []string{`products[0].apis[0].name: must name an API of this configuration, got "A"; did you mean "a"?`}},
		{"product names an unknown version", []API{api}, granting(ProductAPI{Name: "a", Version: "v2"}), nil, []string{`products[0].apis[0].version: must be a version of the API "a", got "v2"`}},
		{"product names no API", []API{api}, granting(ProductAPI{}), nil, []string{`products[0].apis[0].name: must name an API, got nothing`}},
		{"pattern", []API{api}, granting(ProductAPI{Name: "a", Operations: []Operation{{Path: "/x*"}}}), nil, []string{`products[0].apis[0].operations[0].path: must have "*" only as a whole level, as in "/orders/*/lines", got "/x*"`}},
		{"method", []API{api}, granting(ProductAPI{Name: "a", Operations: []Operation{{Path: "/x", Methods: []string{"GET", "get"}}}}), nil, []string{`products[0].apis[0].operations[0].methods[1]: must be a method in capital letters, such as "GET", got "get"`}},
		{"scope", []API{api}, []Product{{Name: "p", Scopes: []string{"a b"}}}, nil, []string{`products[0].scopes[0]: must be one scope, without blanks, quotes or backslashes, got "a b"`}},
		{"app twice", []API{api}, nil, []App{{Name: "x", Developer: "d"}, {Name: "x", Developer: "d"}}, []string{`apps[1].name: must be unique, got "x", also at apps[0]`}},
		{"app without a developer", []API{api}, nil, apps(func(a *App) { a.Developer = "" }), []string{`apps[0].developer: is required and must not be empty`}},
		{"app with a line end", []API{api}, nil, apps(func(a *App) { a.Name = "a\r\nb" }), []string{`apps[0].name: must have no control characters and no leading or trailing blanks, got "a\r\nb"`}},
		{"app with bytes that are no text", []API{api}, nil, apps(func(a *App) { a.Name = "a\xff" }), []string{`apps[0].name: must have no control characters and no leading or trailing blanks, got "a\xff"`}},
		{"app names an unknown product", []API{api}, []Product{{Name: "portal"}}, apps(func(a *App) { a.Products = []string{"portla"} }), []string{`apps[0].products[0]: must name a product of this configuration, got "portla"; did you mean "portal"?`}},
		{"token client", []API{api}, nil, apps(func(a *App) { a.TokenClients = []string{""} }), []string{`apps[0].token_clients[0]: is required and must not be empty`}},
		{"key id twice", []API{api}, nil, apps(func(a *App) { a.Keys = append(a.Keys, Key{ID: "k", SHA256: [32]byte{2}}) }), []string{`apps[0].keys[1].id: must be unique, got "k", also at apps[0].keys[0]`}},
		{"key hash twice", []API{api}, nil, apps(func(a *App) { a.Keys = append(a.Keys, Key{ID: "l", SHA256: [32]byte{1}}) }), []string{`apps[0].keys[1].sha256: must be unique, got the same value as apps[0].keys[0]`}},
		{"no key hash", []API{api}, nil, apps(func(a *App) { a.Keys[0].SHA256 = [32]byte{} }), []string{`apps[0].keys[0].sha256: must be the SHA-256 of a key, got zeros or nothing`}},
		{"hash of the empty key", []API{api}, nil, apps(func(a *App) { a.Keys[0].SHA256 = sha256.Sum256(nil) }), []string{`apps[0].keys[0].sha256: must be the SHA-256 of a key, got that of the empty text`}},
		{"long name", with(func(a *API) { a.Name = strings.Repeat("a", 129) }), nil, nil, []string{`apis[0].name: must have at most 128 bytes, got 129`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, problems := New(tt.apis, tt.products, tt.apps)
			if c != nil {
				t.Error("there is a catalog all the same")
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNewBoundsItsProblems(t *testing.T) {
	apps := make([]App, 5000)
	for i := range apps {
		apps[i] = App{Name: "x", Developer: "d", Products: []string{"unknown"}}
	}
	_, problems := New([]API{{Name: "a", Version: "v1", BasePath: "/"}}, nil, apps)
	if len(problems) != 51 || problems[50].String() != "and 9949 more" {
		t.Errorf("%d problems, the last is %s", len(problems), problems[len(problems)-1])
	}
}
