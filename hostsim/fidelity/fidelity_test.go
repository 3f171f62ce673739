package fidelity

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

func loadCases(t *testing.T) []*Case {
	t.Helper()
	dir, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestFidelity plays all cases on hostsim and on the Envoy that all tests use; `make fidelity` does on all versions.
func TestFidelity(t *testing.T) {
	cases, binary := loadCases(t), envoytest.Find(t)
	report, err := Run(t.Context(), Options{Versions: []string{envoyrun.Version}, Cases: cases, Binary: func(string) (string, error) { return binary, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + report.String())
	for _, failure := range report.Failures() {
		t.Error(failure)
	}
}

const minimal = "One thing happens.\n-- expect --\nx\n"

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no sentence":        {"-- expect --\nx\n", "one sentence"},
		"two lines":          {"a\nb\n-- expect --\nx\n", "one sentence"},
		"nothing to show":    {"A.\n-- config --\n", "must show something"},
		"unknown section":    {minimal + "-- okta --\n", "unknown"},
		"unknown setting":    {minimal + "-- settings --\ncolour: red\n", "unknown"},
		"row that is none":   {minimal + "-- settings --\ncovers: 10\n", "not a row"},
		"difference alone":   {minimal + "-- differs 1.36 --\n\n", "a reason"},
		"fault":              {minimal + "-- cluster a --\nfault: bored\n", "unknown fault"},
		"long wait":          {minimal + "-- advance --\n10s\n", "not a duration"},
		"wait for nobody":    {minimal + "-- wait a --\n", "not a request in the background"},
		"unknown plugin":     {minimal + "-- request --\n# to b\nGET / HTTP/1.1\n", "no section config"},
		"no request line":    {minimal + "-- request --\nGET /\n", "is not METHOD"},
		"cluster too late":   {minimal + "-- request --\nGET / HTTP/1.1\n-- cluster a --\nHTTP/1.1 200\n", "not there before"},
		"endless body":       {minimal + "-- upstream --\nHTTP/1.1 200\n\n${repeat:99999999:xx}\n", "makes the text longer"},
		"bored client":       {minimal + "-- settings --\nnetwork: true\n-- connection --\nserver hello\n", "write client or backend"},
		"patient client":     {minimal + "-- settings --\nnetwork: true\n-- connection --\nwait 10s\n", "not a duration"},
		"request over TCP":   {minimal + "-- settings --\nnetwork: true\n-- request --\nGET / HTTP/1.1\n", "connections for those"},
		"connection of HTTP": {minimal + "-- connection --\nclient x\n", "connections for those"},
		"unnamed and ahead":  {minimal + "-- request --\n# background\nGET / HTTP/1.1\n", "needs a name"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("x", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	parse := func(more string) *Case {
		c, err := Parse("x", []byte("One thing happens.\n-- expect --\nstart\n"+more))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	show := func(text string) *observation { return &observation{events: []string{"start", text}} }
	for name, tt := range map[string]struct {
		more         string
		envoy, sim   *observation
		word, failed string
	}{
		"equal":                  {"", show("a"), show("a"), "equal", ""},
		"different":              {"", show("a"), show("b"), "FAILED", "without a reason"},
		"known":                  {"-- differs 1.40 --\nso it is\n", show("a"), show("b"), "different", ""},
		"known elsewhere":        {"-- differs 1.4 1.39.3 --\nso it is\n", show("a"), show("b"), "FAILED", "without a reason"},
		"known and gone":         {"-- differs all --\nso it is\n", show("a"), show("a"), "FAILED", "does not differ any more"},
		"nothing shown":          {"-- expect 1.40 --\nmore\n", show("a"), show("a"), "FAILED", "does not show"},
		"shown on other version": {"-- expect 1.39 --\nmore\n", show("a"), show("a"), "equal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := compare(parse(tt.more), "1.40.0", tt.envoy, tt.sim)
			if v.Word() != tt.word || !strings.Contains(v.Failed(), tt.failed) || (v.Failed() == "") != (tt.failed == "") {
				t.Errorf("%s: %s", v.Word(), v.Failed())
			}
		})
	}
}

func TestEverythingIsCompared(t *testing.T) {
	seen := verbatim.Seen{Request: scenario.Request{Method: "GET"}}
	base := func() *observation {
		return &observation{
			events: []string{"start"}, responses: []response{{request: "1", Reply: verbatim.Reply{Response: scenario.Response{Status: 200, Body: []byte("b")}}}},
			upstream: []verbatim.Seen{seen}, calls: map[string][]verbatim.Seen{"auth": {seen}},
			log: map[string][]line{"main": {{"info", "x"}}, "7": {{"info", "x"}}}, counts: map[string]uint64{"c": 1},
		}
	}
	for name, change := range map[string]func(*observation){
		"event":    func(o *observation) { o.events[0] = "other" },
		"status":   func(o *observation) { o.responses[0].Status = 500 },
		"header":   func(o *observation) { o.responses[0].Headers = append(o.responses[0].Headers, header("a", "b")) },
		"body":     func(o *observation) { o.responses[0].Body = nil },
		"trailer":  func(o *observation) { o.responses[0].Trailers = append(o.responses[0].Trailers, header("a", "b")) },
		"reset":    func(o *observation) { o.responses[0].Reset = true },
		"upstream": func(o *observation) { o.upstream = nil },
		"call":     func(o *observation) { o.calls["auth"][0].Target = "/x" },
		"level":    func(o *observation) { o.log["main"][0].level = "warn" },
		"line":     func(o *observation) { o.log["7"] = append(o.log["7"], line{"info", "y"}) },
		"thread":   func(o *observation) { o.log["main"], o.log["7"] = nil, append(o.log["main"], o.log["7"]...) },
		"count":    func(o *observation) { o.counts["c"] = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			changed := base()
			change(changed)
			if difference(base().lines(nil), changed.lines(nil)) == "" {
				t.Error("no difference was seen")
			}
		})
	}
}

func header(name, value string) scenario.Header { return scenario.Header{Name: name, Value: value} }
