package identity

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func known() *pipeline.Exchange {
	return &pipeline.Exchange{
		Caller: pipeline.Caller{App: "global-customer-portal", Developer: "portal-team@example.com", Product: "portal"},
		Token: &pipeline.Claims{
			Active: true, Subject: "alice@example.com", ClientID: "0oa1portal",
			Scopes: []string{"customers.read", "openid"},
		},
	}
}

func TestKnownIdentityIsSet(t *testing.T) {
	x := known()
	New(DefaultHeaders()).Apply(x)
	wantSet(t, x, []host.Header{
		{Name: "x-sallyport-app", Value: "global-customer-portal"},
		{Name: "x-sallyport-developer", Value: "portal-team@example.com"},
		{Name: "x-sallyport-product", Value: "portal"},
		{Name: "x-sallyport-subject", Value: "alice@example.com"},
		{Name: "x-sallyport-client-id", Value: "0oa1portal"},
		{Name: "x-sallyport-scopes", Value: "customers.read openid"},
	})
}

func TestOnlyWhatIsKnownIsSet(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*pipeline.Exchange)
		headers Headers
		want    []string
	}{
		{"nothing", func(x *pipeline.Exchange) { *x = pipeline.Exchange{} }, DefaultHeaders(), nil},
		{"key without token", func(x *pipeline.Exchange) { x.Token = nil }, DefaultHeaders(), []string{"x-sallyport-app", "x-sallyport-developer", "x-sallyport-product"}},
		{"token not active", func(x *pipeline.Exchange) { x.Token.Active = false }, DefaultHeaders(), []string{"x-sallyport-app", "x-sallyport-developer", "x-sallyport-product"}},
		{"token without subject and scopes", func(x *pipeline.Exchange) { x.Caller = pipeline.Caller{}; x.Token.Subject, x.Token.Scopes = "", nil }, DefaultHeaders(), []string{"x-sallyport-client-id"}},
		{"not sent by configuration", func(*pipeline.Exchange) {}, Headers{App: "x-consumer"}, []string{"x-consumer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := known()
			tt.change(x)
			New(tt.headers).Apply(x)
			var names []string
			for _, h := range x.Edits.Set {
				names = append(names, h.Name)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForgedHeadersAreRemoved(t *testing.T) {
	h := Headers{App: "x-consumer", Subject: "x_user-id"}
	tests := []struct {
		name    string
		removed bool
	}{
		{"x-consumer", true},
		{"x_consumer", true},
		{"X-Consumer", true},
		{"x-user-id", true},
		{"x_user_id", true},
		{"x-sallyport-app", true},
		{"x_sallyport_app", true},
		{"x-sallyport_subject", true},
		{"x-sallyport-", true},
		{"x-sallyport-anything-new", true},
		{"x-sallyport-reason", true},
		{"x-sallyport", false},
		{"x-sallyports-app", false},
		{"x-consumers", false},
		{"x-consume", false},
		{"xx-consumer", false},
		{"", false},
		{"authorization", false},
		{":path", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := &pipeline.Exchange{Headers: []host.Header{{Name: tt.name, Value: "forged"}, {Name: tt.name, Value: "again"}}}
			New(h).Apply(x)
			var want []string
			if tt.removed {
				want = []string{tt.name}
			}
			if diff := cmp.Diff(want, x.Edits.Remove); diff != "" {
				t.Errorf("removed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConnectionNamesNoHeader: a proxy behind this one takes away what Connection
// names (RFC 9110 section 7.6.1): who calls is not for a client to take away.
func TestConnectionNamesNoHeader(t *testing.T) {
	for _, tt := range []struct {
		name          string
		sent          []string // lines of Connection
		kept, removed string
	}{
		{"an upgrade", []string{"Upgrade"}, "", ""},
		{"as Firefox sends it", []string{"keep-alive, Upgrade"}, "", ""},
		{"to HTTP/2", []string{"Upgrade, HTTP2-Settings"}, "", ""},
		{"the end", []string{"close"}, "", ""},
		{"nothing", []string{""}, "", ""},
		{"an identity header", []string{"upgrade, x-sallyport-subject"}, "upgrade", ""},
		{"in front", []string{"X-Sallyport-Subject ,\tUpgrade"}, "Upgrade", ""},
		{"the token", []string{"upgrade,authorization"}, "upgrade", ""},
		{"in another line", []string{"upgrade", "x-user"}, "upgrade", ""},
		{"nothing else", []string{"x-sallyport-app"}, "", "connection"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := &pipeline.Exchange{}
			for _, line := range tt.sent {
				x.Headers = append(x.Headers, host.Header{Name: "connection", Value: line})
			}
			New(DefaultHeaders()).Apply(x)
			var set []host.Header
			if tt.kept != "" {
				set = []host.Header{{Name: "connection", Value: tt.kept}}
			}
			wantSet(t, x, set)
			if removed := strings.Join(x.Edits.Remove, " "); removed != tt.removed {
				t.Errorf("removed %q, want %q", removed, tt.removed)
			}
		})
	}
}

// Every byte that may stand in a name (RFC 9110 section 5.6.2) and is neither
// letter nor digit.
const separators = "!#$%&'*+-.^_`|~"

func TestForgedIdentityByEverySeparator(t *testing.T) {
	h := DefaultHeaders()
	h.Subject, h.App = "x-user", "caller.app-name"
	own := h.all()
	for _, c := range separators {
		sep := string(c)
		for name, forged := range map[string]bool{
			"x" + sep + "sallyport" + sep + "subject":       true,
			"X" + sep + "Sallyport-App":                     true,
			"x-sallyport" + sep + "anything":                true,
			"x" + sep + "user":                              true,
			"caller" + sep + "app" + sep + "name":           true,
			"x" + sep + sep + "sallyport" + sep + "subject": false, // another variable everywhere
			"x" + sep + "sallyporter" + sep + "subject":     false,
			"x" + sep + "user" + sep + "agent":              false,
			"my" + sep + "x" + sep + "user":                 false,
			"xsallyport" + sep + "subject":                  false,
		} {
			x := &pipeline.Exchange{Headers: []host.Header{{Name: name, Value: "root"}}}
			New(h).Apply(x)
			if got := len(x.Edits.Remove) == 1; got != forged || Forged(name, own[:]) != forged {
				t.Errorf("%s: removed %v, Forged %v, want %v", name, got, Forged(name, own[:]), forged)
			}
		}
	}
}

func TestReservedHeadersAreRemovedWhateverIsConfigured(t *testing.T) {
	x := known()
	x.Headers = []host.Header{{Name: "x-sallyport-subject", Value: "root"}, {Name: "x_sallyport_scopes", Value: "admin"}}
	New(Headers{}).Apply(x)
	if diff := cmp.Diff([]string{"x-sallyport-subject", "x_sallyport_scopes"}, x.Edits.Remove); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	wantSet(t, x, nil)
}

func TestValuesCannotEndTheirHeader(t *testing.T) {
	x := known()
	x.Token.Subject = "alice\r\nx-admin: yes\x00"
	x.Token.Scopes = []string{"größe", "a%20b"}
	x.Caller = pipeline.Caller{App: " portal "}
	New(Headers{App: "x-app", Subject: "x-sub", Scopes: "x-scopes"}).Apply(x)
	wantSet(t, x, []host.Header{
		{Name: "x-app", Value: "%20portal%20"},
		{Name: "x-sub", Value: "alice%0D%0Ax-admin: yes%00"},
		{Name: "x-scopes", Value: "gr%C3%B6%C3%9Fe a%2520b"},
	})
}

func wantSet(t *testing.T, x *pipeline.Exchange, want []host.Header) {
	t.Helper()
	if diff := cmp.Diff(want, x.Edits.Set, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("set (-want +got):\n%s", diff)
	}
}

func BenchmarkApply(b *testing.B) {
	h := DefaultHeaders()
	sent := []host.Header{
		{Name: ":method", Value: "GET"}, {Name: ":path", Value: "/"}, {Name: ":authority", Value: "api.example.com"},
		{Name: "accept", Value: "*/*"}, {Name: "user-agent", Value: "curl"}, {Name: "authorization", Value: "Bearer x"},
		{Name: "x-forwarded-for", Value: "192.0.2.1"}, {Name: "x-request-id", Value: "1"}, {Name: "x-forwarded-proto", Value: "http"},
	}
	b.ReportAllocs()
	for b.Loop() {
		x := known()
		x.Headers = sent
		New(h).Apply(x)
	}
}
