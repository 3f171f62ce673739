package cors

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func parsed(t testing.TB, list ...string) (origins []Origin) {
	t.Helper()
	for _, s := range list {
		o, err := ParseOrigin(s)
		if err != nil {
			t.Fatal(s, err)
		}
		origins = append(origins, o)
	}
	return origins
}

func TestCORSOrigins(t *testing.T) {
	s := New(Options{Origins: parsed(t, "https://a.example", "https://*.example.com", "http://localhost:3000", "https://*.dev.test:8443", "capacitor://localhost", "https://UPPER.example", "http://[::1]:8080", "http://127.0.0.1")}).(*step)
	for _, sent := range []string{
		"https://a.example", "https://x.example.com", "https://x.y.example.com", "http://localhost:3000", "https://q.dev.test:8443", "capacitor://localhost", "https://upper.example", "http://[::1]:8080", "http://127.0.0.1",
	} {
		if got := s.allowed(sent); got != sent {
			t.Errorf("%s is refused: %q", sent, got)
		}
	}
	for _, sent := range []string{
		"", "null", "*", "a.example", "https://", "http://a.example", "https://a.example:444", "https://a.example/", "https://a.example.", "https://b.a.example", "https://A.example",
		"https://example.com", "https://.example.com", "https://evilexample.com", "https://x..example.com", "https://.x.example.com", "https://x.example.com.evil.test", "https://evil.test/.example.com", "https://evil.test#.example.com",
		"https://evil.test?.example.com", "https://evil.test\\.example.com", "https://evil.test:80.example.com", "https://u@x.example.com", "https://x .example.com", "https://x,.example.com", "https://x\x00.example.com", "https://%78.example.com", "https://X.example.com",
		"http://x.example.com", "https://*.example.com", "https://x.example.com:443", "http://localhost", "http://localhost:30000", "https://q.dev.test", "https://a.example, https://x.example.com",
		"https://" + strings.Repeat("a.", MaxOriginBytes/2) + "example.com",
	} {
		if got := s.allowed(sent); got != "" {
			t.Errorf("%q is allowed: %q", sent, got)
		}
	}
}

func TestCORSOriginsRefused(t *testing.T) {
	for _, s := range []string{
		"", "null", "example.com", "https://", "https:///", "https://*", "https://*.", "https://*example.com", "https://a.*.example.com", "https://a.example/", "https://a.example/path", "https://u@a.example", "https://a.example:443", "http://a.example:80",
		"https://a.example:", "https://a.example:0", "https://a.example:123456", "https://a example", "https://*.[::1]", "ht tp://a", "1http://a", "https://[::zz]", "https://a..b", "https://größe.example", "https://" + strings.Repeat("a", MaxOriginBytes),
	} {
		if o, err := ParseOrigin(s); err == nil {
			t.Errorf("%q is taken: %+v", s, o)
		}
	}
}

func FuzzCORSOrigin(f *testing.F) {
	for _, s := range []string{"https://a.example.com", "https://evil.test/.example.com", "https://x:1.example.com", "null", "https://[::1]"} {
		f.Add(s)
	}
	s := New(Options{Origins: parsed(f, "https://*.example.com")}).(*step)
	f.Fuzz(func(t *testing.T, sent string) {
		if s.allowed(sent) == "" {
			return
		}
		if o, err := ParseOrigin(sent); err != nil || o.whole != sent || !strings.HasPrefix(sent, "https://") || !strings.HasSuffix(o.host, ".example.com") {
			t.Errorf("%q is allowed", sent)
		}
	})
}

func exchange(method string, headers ...string) *pipeline.Exchange {
	x := &pipeline.Exchange{Method: method}
	for i := 0; i < len(headers); i += 2 {
		x.Headers = append(x.Headers, host.Header{Name: headers[i], Value: headers[i+1]})
	}
	return x
}

const asks, from = "access-control-request-method", "origin"

func TestCORSPreflight(t *testing.T) {
	s := New(Options{
		Origins: parsed(t, "https://*.example.com"), Methods: []string{"GET", "PUT"}, Headers: []string{"authorization", "x-api-key"}, Expose: []string{"x-total"}, MaxAge: time.Hour, Credentials: true,
	}).(*step)
	for name, tt := range map[string]struct {
		x       *pipeline.Exchange
		replies bool
		reason  denial.Reason // 255 for none
	}{
		"a preflight":          {exchange("OPTIONS", from, "https://a.example.com", asks, "PUT"), true, 255},
		"of another origin":    {exchange("OPTIONS", from, "https://a.example", asks, "PUT"), false, denial.CORSOriginRefused},
		"of no origin":         {exchange("OPTIONS", from, "null", asks, "PUT"), false, denial.CORSOriginRefused},
		"without origin":       {exchange("OPTIONS", asks, "PUT"), false, 255},
		"without method":       {exchange("OPTIONS", from, "https://a.example.com"), false, 255},
		"with an empty method": {exchange("OPTIONS", from, "https://a.example.com", asks, ""), false, 255},
		"two origins":          {exchange("OPTIONS", from, "https://a.example.com", from, "https://a.example.com", asks, "PUT"), false, 255},
		"two methods":          {exchange("OPTIONS", from, "https://a.example.com", asks, "PUT", asks, "GET"), false, 255},
		"GET":                  {exchange("GET", from, "https://a.example.com", asks, "PUT"), false, 255},
		"small letters":        {exchange("options", from, "https://a.example.com", asks, "PUT"), false, 255},
	} {
		o := s.Apply(tt.x)
		d, denied := o.Denial()
		if o.Replies() != tt.replies || denied != (tt.reason != 255) || denied && d.Reason != tt.reason || o.Continues() != (!tt.replies && !denied) {
			t.Errorf("%s: replies %v, denied %v for %s", name, o.Replies(), denied, d.Reason)
		}
	}
	want := &denial.Response{Status: 200, Headers: []host.Header{
		{Name: "vary", Value: "origin"}, {Name: "access-control-allow-origin", Value: "https://b.example.com"}, {Name: "access-control-allow-credentials", Value: "true"},
		{Name: "access-control-allow-methods", Value: "GET,PUT"}, {Name: "access-control-allow-headers", Value: "authorization,x-api-key"}, {Name: "access-control-max-age", Value: "3600"},
	}}
	wantReply(t, s, exchange("OPTIONS", from, "https://b.example.com", asks, "PUT"), want)
	first := s.last
	if wantReply(t, s, exchange("OPTIONS", from, "https://b.example.com", asks, "GET"), want); s.last != first {
		t.Error("the same answer was made twice")
	}
	open := New(Options{AnyOrigin: true, MaxAge: Unsaid}).(*step)
	wantReply(t, open, exchange("OPTIONS", from, "null", asks, "PUT"), &denial.Response{Status: 200, Headers: []host.Header{{Name: "access-control-allow-origin", Value: "*"}}})
}

func wantReply(t *testing.T, s *step, x *pipeline.Exchange, want *denial.Response) {
	t.Helper()
	run := pipeline.NewSequence(s).Begin()
	if v := run.Advance(x, 1, nil); v != pipeline.Answered {
		t.Fatalf("verdict %d", v)
	}
	if diff := cmp.Diff(want, run.Reply()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestCORSShapesRefusals(t *testing.T) {
	s := New(Options{Origins: parsed(t, "https://a.example"), Expose: []string{"x-total"}}).(*step)
	for sent, want := range map[string]string{"https://a.example": "https://a.example", "https://b.example": "", "": ""} {
		x := exchange("GET")
		if sent != "" {
			x = exchange("GET", from, sent)
		}
		d := denial.Denial{Reason: denial.SpikeArrestExceeded}
		if s.Shape(x, &d); d.Origin != want || d.CORS == nil || d.CORS.Expose != "ratelimit,ratelimit-policy,retry-after,www-authenticate,x-sallyport-reason,x-total" {
			t.Errorf("%s: %q, %+v", sent, d.Origin, d.CORS)
		}
	}
	d := denial.Denial{}
	if s.Shape(exchange("GET", from, "https://a.example", from, "https://a.example"), &d); d.Origin != "" {
		t.Error("one of two origins was chosen")
	}
}
