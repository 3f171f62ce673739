package scenario

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustLoad(t *testing.T, path string) *File {
	t.Helper()
	f, err := load(filepath.Dir(path), path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRunAgrees(t *testing.T) {
	d := &toy{}
	report, err := Run(t.Context(), mustLoad(t, "testdata/allowed.txtar"), d)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Errorf("differences where there are none:\n%s", report)
	}
	if got, want := string(d.started.Config), `{"realm":"toy","service":"toy_keys"}`; got != want {
		t.Errorf("config is %s, want %s", got, want)
	}
	if got, want := string(d.started.Clusters["keys"].Response.Body), `{"active":true,"exp":1795420860}`; got != want {
		t.Errorf("cluster's body is %s, want %s", got, want)
	}
}

func TestRunOfAFolder(t *testing.T) {
	files, err := Load("testdata")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if _, skip := f.Skip("toy"); skip {
			continue
		}
		if report, err := Run(t.Context(), f, &toy{}); err != nil || !report.OK() {
			t.Errorf("%s: %v\n%s", f.Name, err, report)
		}
	}
}

// Each sabotage is one thing that a wrong guest could do; the runner must say so,
// in the right section.
func TestRunNotices(t *testing.T) {
	addHeader := func(headers []Header, name, value string) []Header {
		return append(headers, Header{Name: name, Value: value})
	}
	cases := []struct {
		name     string
		sabotage func(*Result, map[string]int64)
		section  string
		text     string // in the difference
	}{
		{"wrong status", func(r *Result, _ map[string]int64) { r.Response.Status = 204 }, "response", "- 200\n+ 204\n"},
		{"extra response header", func(r *Result, _ map[string]int64) {
			r.Response.Headers = addHeader(r.Response.Headers, "x-leak", "secret")
		}, "response", "+ x-leak: secret\n"},
		{"response header twice", func(r *Result, _ map[string]int64) {
			r.Response.Headers = addHeader(r.Response.Headers, "content-type", "text/plain")
		}, "response", "+ content-type: text/plain\n"},
		{"wrong header value", func(r *Result, _ map[string]int64) {
			r.Response.Headers[0].Value = "text/html"
		}, "response", "- content-type: text/plain\n+ content-type: text/html\n"},
		{"missing header", func(r *Result, _ map[string]int64) { r.Response.Headers = nil }, "response", "- content-type: text/plain\n"},
		{"wrong body", func(r *Result, _ map[string]int64) { r.Response.Body = []byte("other") }, "response", "- backend\n+ other\n"},
		{"newline after the body", func(r *Result, _ map[string]int64) { r.Response.Body = []byte("backend\n") }, "response", "+ (newline at the end)\n"},
		{"no body", func(r *Result, _ map[string]int64) { r.Response.Body = nil }, "response", "+ (no body)\n"},
		{"backend unseen", func(r *Result, _ map[string]int64) { r.Backend = nil }, "backend", "+ (the backend saw no request)\n"},
		{"wrong method at backend", func(r *Result, _ map[string]int64) { r.Backend.Method = "POST" }, "backend", "+ POST /orders/7?full=yes HTTP/1.1\n"},
		{"wrong target at backend", func(r *Result, _ map[string]int64) { r.Backend.Target = "/orders/7" }, "backend", "+ GET /orders/7 HTTP/1.1\n"},
		{"key at backend", func(r *Result, _ map[string]int64) {
			r.Backend.Headers = addHeader(r.Backend.Headers, "X-Key", "good")
		}, "backend", "+ x-key: good\n"},
		{"pattern not met", func(r *Result, _ map[string]int64) {
			r.Backend.Headers = []Header{{"host", "api.example.com"}, {"x-user", "alice2"}}
		}, "backend", "- x-user: ~(alice|bob)\n+ x-user: alice2\n"},
		{"body at backend", func(r *Result, _ map[string]int64) { r.Backend.Body = []byte("x") }, "backend", "- (no body)\n+ x\n"},
		{"no call", func(r *Result, _ map[string]int64) { r.Calls = nil }, "calls keys", "- POST /check HTTP/1.1\n"},
		{"one call too many", func(r *Result, _ map[string]int64) {
			r.Calls["keys"] = append(r.Calls["keys"], r.Calls["keys"][0])
		}, "calls keys", "+ POST /check HTTP/1.1\n"},
		{"wrong body in a call", func(r *Result, _ map[string]int64) { r.Calls["keys"][0].Body = []byte("bad") }, "calls keys", "- good\n+ bad\n"},
		{"call to a cluster that has no section", func(r *Result, _ map[string]int64) {
			r.Calls["other"] = []Request{{Method: "GET", Target: "/"}}
		}, "calls other", "- 0 calls\n+ 1 calls\n"},
		{"metric too high", func(_ *Result, m map[string]int64) { m["toy.allowed"]++ }, "metrics", "- toy.allowed +1\n+ toy.allowed +2\n"},
		{"metric that must not move", func(_ *Result, m map[string]int64) { m["toy.denied"]++ }, "metrics", "- toy.denied +0\n+ toy.denied +1\n"},
		{"log line missing", func(r *Result, _ map[string]int64) { r.Log = []LogLine{{"info", "else"}} }, "log", "- asked the key service\n  (log info: else)\n"},
	}
	f := mustLoad(t, "testdata/allowed.txtar")
	f.steps = f.steps[:1] // the first exchange alone
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			report, err := Run(t.Context(), f, &toy{sabotage: c.sabotage})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Differences) != 1 {
				t.Fatalf("%d differences, want 1:\n%s", len(report.Differences), report)
			}
			got := report.Differences[0]
			if got.Section != c.section || !strings.Contains(got.Text, c.text) {
				t.Errorf("section %s, want %s with %q:\n%s", got.Section, c.section, c.text, report)
			}
		})
	}
}

// What is not listed must not happen: a denial that reaches the backend or calls
// the key service fails although the response is right.
func TestRunNoticesTheUnlisted(t *testing.T) {
	text := dedent(`
		A call without a key is denied.
		-- config.yaml --
		{realm: toy}
		-- request --
		GET / HTTP/1.1
		host: a

		-- response --
		401
		content-type: application/json
		www-authenticate: Key realm="toy"

		{"reason":"key.missing"}
		`)
	f, err := Parse("denied.txtar", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	leak := Request{Method: "GET", Target: "/", Headers: []Header{{"host", "a"}}}
	cases := []struct {
		name     string
		sabotage func(*Result, map[string]int64)
		section  string
	}{
		{"nothing", nil, ""},
		{"backend", func(r *Result, _ map[string]int64) { r.Backend = &leak }, "backend"},
		{"callout", func(r *Result, _ map[string]int64) { r.Calls["keys"] = []Request{leak} }, "calls keys"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			report, err := Run(t.Context(), f, &toy{sabotage: c.sabotage})
			if err != nil {
				t.Fatal(err)
			}
			var sections []string
			for _, d := range report.Differences {
				sections = append(sections, d.Section)
			}
			if got := strings.Join(sections, ","); got != c.section {
				t.Errorf("differs in %q, want %q:\n%s", got, c.section, report)
			}
		})
	}
}

func TestRunConfigError(t *testing.T) {
	cases := []struct {
		name, config, want string
		ok                 bool
	}{
		{"refused as expected", "{}", "realm: is missing", true},
		{"refused for another reason", "{}", "service: is missing", false},
		{"taken", "{realm: toy}", "realm: is missing", false},
		{"pattern", "{}", "~realm: .* want a text", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, err := Parse("x.txtar", []byte("A config.\n-- config.yaml --\n"+c.config+"\n-- config_error --\n"+c.want+"\n"), nil)
			if err != nil {
				t.Fatal(err)
			}
			report, err := Run(t.Context(), f, &toy{})
			if err != nil {
				t.Fatal(err)
			}
			if report.OK() != c.ok {
				t.Errorf("OK is %v, want %v:\n%s", report.OK(), c.ok, report)
			}
		})
	}
	t.Run("refused though a request is expected", func(t *testing.T) {
		f, err := Parse("x.txtar", []byte("A call.\n-- config.yaml --\n{}\n-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n200\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		report, err := Run(t.Context(), f, &toy{})
		if err != nil || report.OK() || !strings.Contains(report.String(), "realm: is missing") {
			t.Errorf("error %v, report:\n%s", err, report)
		}
	})
}

func TestRunTechnicalFailures(t *testing.T) {
	broken := errors.New("broken pipe")
	for name, d := range map[string]*toy{
		"start": {failStart: broken}, "do": {failDo: broken}, "close": {failClose: broken},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Run(t.Context(), mustLoad(t, "testdata/allowed.txtar"), d)
			if !errors.Is(err, broken) || !strings.Contains(err.Error(), "testdata/allowed.txtar") {
				t.Errorf("error is %v, want one with the path that wraps %v", err, broken)
			}
		})
	}
	t.Run("metrics", func(t *testing.T) {
		d := &toy{sabotage: func(_ *Result, m map[string]int64) { m["broken"] = 1 }}
		_, err := Run(t.Context(), mustLoad(t, "testdata/allowed.txtar"), d)
		if err == nil || !strings.Contains(err.Error(), "allowed.txtar:12: read metrics after the request") {
			t.Errorf("error is %v", err)
		}
	})
}

func TestReportReads(t *testing.T) {
	d := &toy{sabotage: func(r *Result, _ map[string]int64) {
		if r.Backend != nil {
			r.Response.Status = 500
		}
	}}
	report, err := Run(t.Context(), mustLoad(t, "testdata/allowed.txtar"), d)
	if err != nil {
		t.Fatal(err)
	}
	want := `testdata/allowed.txtar:17: response on toy (- expected, + seen)
	- 200
	+ 500
	  content-type: text/plain
	
	  backend
`
	if diff := cmp.Diff(want, report.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestUpdate(t *testing.T) {
	good, err := os.ReadFile("testdata/allowed.txtar")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name     string
		old, new string // replaced in the good file; Update must bring old back
	}{
		{"right file stays as it is", "", ""},
		{"status", "200\ncontent-type: text/plain\n\nbackend", "204\ncontent-type: text/plain\n\nbackend"},
		{"body", `{"reason":"key.refused"}`, `{"reason":"other"}`},
		{"metric", "toy.allowed +1\n", "toy.allowed +9\n"},
		{"number of calls", "-- calls keys --\n1\n", "-- calls keys --\n4\n"},
		{"section too many", "", "-- calls other --\n1\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := string(good)
			if c.old != "" {
				text = strings.Replace(text, c.old, c.new, 1)
			} else {
				text += c.new
			}
			f, err := Parse("x.txtar", []byte(text), nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Update(context.Background(), f, &toy{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(good), string(got)); diff != "" {
				t.Errorf("updated file (-want +got):\n%s", diff)
			}
		})
	}
}

// A file with nothing but requests becomes a scenario that passes.
func TestUpdateFromScratch(t *testing.T) {
	text := dedent(`
		A call is let through.
		-- config.yaml --
		{realm: toy}
		-- cluster keys --
		HTTP/1.1 200
		-- upstream --
		HTTP/1.1 200
		x-odd: ~tilde
		via: 1.1 x

		{"a":"-- b --
		-- request --
		POST /x HTTP/1.1
		host: a
		x-key: good

		body
		-- response --
		500
		`)
	f, err := Parse("x.txtar", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	updated, err := Update(t.Context(), f, &toy{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("x.txtar", updated, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, updated)
	}
	report, err := Run(t.Context(), again, &toy{})
	if err != nil || !report.OK() {
		t.Errorf("error %v, report:\n%s\nof\n%s", err, report, updated)
	}
	for _, want := range []string{"-- backend --\nPOST /x HTTP/1.1\nhost: a\nx-user: alice\n\nbody\n", "-- calls keys --\nPOST /check", `x-odd: ~~tilde`} {
		if !strings.Contains(string(updated), want) {
			t.Errorf("updated file lacks %q:\n%s", want, updated)
		}
	}
}

func TestMetricNamesAreExpanded(t *testing.T) {
	const text = "A metric named after a cluster.\n-- config.yaml --\nrealm: toy\nservice: ${cluster.keys}\n-- cluster keys --\nHTTP/1.1 200\n" +
		"-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n401\ncontent-type: application/json\nwww-authenticate: Key realm=\"toy\"\n\n~.*\n" +
		"-- metrics --\nasked.${cluster.keys} +1\n"
	f, err := Parse("named.txtar", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"asked.toy_keys": true, "asked.keys": false, "asked.${cluster.keys}": false} {
		d := &toy{sabotage: func(_ *Result, m map[string]int64) { m[name]++ }}
		report, err := Run(t.Context(), f, d)
		if err != nil {
			t.Fatal(err)
		}
		if report.OK() != want {
			t.Errorf("%s moved: agrees %v\n%s", name, report.OK(), report)
		}
	}
}

// TestTrailersAndPieces: what a file says reaches the driver, and a trailer that is missing, or that nobody expects, is a
// difference, as is a line of the log that must not be there.
func TestTrailersAndPieces(t *testing.T) {
	const text = "Trailers.\n-- config.yaml --\nrealm: toy\nservice: keys\n-- cluster keys --\nHTTP/1.1 200\n+x-c: ${sha256:a}\n" +
		"-- request --\npieces: 3\nPOST / HTTP/1.1\nhost: a\n+x-t: ${now}\n\nhello\n-- response --\n200\n+x-r: ~[0-9]+\n-- log --\n! panic\n"
	f, err := Parse("trailers.txtar", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		trailers []Header
		log      string
		want     string // of the report; "" for none
	}{
		"as expected": {[]Header{{"X-R", "7"}}, "all is well", ""},
		"none":        {nil, "", "- +x-r: ~[0-9]+\n"},
		"another":     {[]Header{{"x-r", "7"}, {"x-s", "8"}}, "", "+ +x-s: 8\n"},
		"logged":      {[]Header{{"x-r", "7"}}, "a panic", "- ! panic\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &scripted{result: Result{Response: Response{Status: 200, Trailers: tt.trailers}, Log: []LogLine{{"info", tt.log}}}}
			report, err := Run(t.Context(), f, d)
			if err != nil {
				t.Fatal(err)
			}
			if text := report.String(); (text == "") != (tt.want == "") || !strings.Contains(text, tt.want) {
				t.Errorf("reported %q, want %q", text, tt.want)
			}
			wantRequest := Request{Method: "POST", Target: "/", Headers: []Header{{"host", "a"}}, Body: []byte("hello"), Pieces: 3,
				Trailers: []Header{{"x-t", strconv.FormatInt(d.Now().Unix(), 10)}}}
			if diff := cmp.Diff(wantRequest, d.asked); diff != "" {
				t.Errorf("the driver was asked (-want +got):\n%s", diff)
			}
			if got := d.cluster.Response.Trailers; len(got) != 1 || got[0].Name != "x-c" || len(got[0].Value) != 64 {
				t.Errorf("the cluster's trailers are %v", got)
			}
		})
	}
}

// scripted is a driver that answers one thing and keeps what it was given.
type scripted struct {
	result  Result
	asked   Request
	cluster Answer
}

func (d *scripted) Start(_ context.Context, s Setup) (Instance, error) {
	s, err := s.Expand(Vars{Now: d.Now()})
	d.cluster = s.Clusters["keys"]
	return d, err
}

func (d *scripted) Do(_ context.Context, r Request) (Result, error) {
	d.asked = r
	return d.result, nil
}

func (*scripted) Name() string                                      { return "scripted" }
func (*scripted) SetCluster(string, Answer)                         {}
func (*scripted) SetUpstream(Answer)                                {}
func (*scripted) Now() time.Time                                    { return rehearsalTime }
func (*scripted) Advance(time.Duration)                             {}
func (*scripted) Metrics(context.Context) (map[string]int64, error) { return nil, nil }
func (*scripted) ClusterName(name string) string                    { return name }
func (*scripted) Close() error                                      { return nil }
