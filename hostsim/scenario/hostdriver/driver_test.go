package hostdriver

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/scenariotest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

func newDriver(t testing.TB) *Driver {
	t.Helper()
	return driverOf(t, "./hostsim/scenario/hostdriver/testdata/guest")
}

func driverOf(t testing.TB, guest string) *Driver {
	t.Helper()
	ctx := context.Background()
	module, err := hostsim.CompileFile(ctx, wasmbuild.Package(t, guest), hostsim.CompileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := module.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return New(module)
}

// The toy gateway of the scenario package, compiled to Wasm, passes the same file as the toy in memory.
func TestScenarios(t *testing.T) {
	d := newDriver(t)
	scenariotest.RunDir(t, "../testdata", d)
	scenariotest.RunDir(t, "testdata/scenarios", d)
}

// A fault that is new in the format must get a translation here: without one wireAnswer panics.
func TestEveryFaultIsTranslated(t *testing.T) {
	all := []scenario.Fault{
		"", scenario.FaultRefuse, scenario.FaultTimeout, scenario.FaultReset, scenario.FaultResetMidBody, scenario.FaultTimeoutMidBody,
		scenario.FaultNoEndpoints, scenario.FaultUnknown, scenario.FaultNotHTTP, scenario.FaultOversize, scenario.FaultSlow,
	}
	for _, fault := range all {
		got := wireAnswer(scenario.Answer{Fault: fault, Size: 1})
		fails := fault != "" && fault != scenario.FaultOversize && fault != scenario.FaultSlow
		if (got.Fault != "") != fails {
			t.Errorf("fault %q becomes %q", fault, got.Fault)
		}
	}
}

func TestClock(t *testing.T) {
	d := newDriver(t)
	in, err := d.Start(t.Context(), scenario.Setup{Config: []byte(`{"realm":"r","service":"keys"}`),
		Clusters: map[string]scenario.Answer{"keys": {Fault: scenario.FaultTimeout}}, Upstream: scenario.DefaultUpstream()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}()
	in.Advance(90 * time.Second)
	if want := Start.Add(90 * time.Second); !in.Now().Equal(want) {
		t.Errorf("clock shows %v, want %v", in.Now(), want)
	}
	result, err := in.Do(t.Context(), scenario.Request{Method: "GET", Target: "/",
		Headers: []scenario.Header{{Name: "Host", Value: "a"}, {Name: "X-Key", Value: "k"}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := Start.Add(91 * time.Second); !in.Now().Equal(want) {
		t.Errorf("after the callout's timeout the clock shows %v, want %v", in.Now(), want)
	}
	if len(result.Log) != 1 || result.Log[0].Level != "info" || !strings.Contains(result.Log[0].Message, "asked") {
		t.Errorf("log %v, want one info line", result.Log)
	}
}

// A guest that never ends a stream is found out, whatever the host's timeout answers.
func TestHungStreamIsAnError(t *testing.T) {
	text := "A hung stream.\n-- config.yaml --\n{realm: toy, service: s}\n-- request --\nGET / HTTP/1.1\nhost: a\nx-hang: 1\n" +
		"-- response --\n504\n\n~.*\n"
	f, err := scenario.Parse("hang.txtar", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = scenario.Run(t.Context(), f, newDriver(t))
	if err == nil || !strings.Contains(err.Error(), "hang.txtar:5: do request: the stream hung") {
		t.Errorf("error is %v, want that the stream hung", err)
	}
}

// A message whose content-length is not that of its body fails the scenario, whatever the file expects: the error says
// which message, and what its receiver makes of it.
func TestStaleLengthIsAnError(t *testing.T) {
	d := driverOf(t, "./hostsim/testdata/guests/scripted")
	for config, want := range map[string]string{
		"response_body: pauseuntilend; atend setbody 1 0 99 b":                                "response to the client with content-length 7 and a body of 1 bytes: the client waits",
		"response_body: pauseuntilend; atend setbody 1 99 0 b":                                "response to the client with content-length 7 and a body of 8 bytes: the client takes",
		"request_body: pauseuntilend; atend setbody 0 99 0 b":                                 "request to the backend with content-length 4 and a body of 5 bytes: the backend reads",
		"request_body: pauseuntilend; atend setbody 0 0 99 b":                                 "request to the backend with content-length 4 and a body of 1 bytes: the backend waits",
		"request_headers: callwith content-length 5 s 300\nhttp_call_response: get 6 :status": "call to s with content-length 5 and without a body: the server waits",
		"request_headers: remove 0 content-length\nrequest_body: setbody 0 0 99 b":            "",
	} {
		text := "Lengths.\n-- config.json --\n" + config + "\n-- cluster s --\nHTTP/1.1 200\n-- request --\nPOST / HTTP/1.1\nhost: a\n\nbody\n" +
			"-- response --\n200\n~.*\n\n~.*\n-- backend --\nPOST / HTTP/1.1\n~.*\n\n~.*\n"
		f, err := scenario.Parse("length.txtar", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = scenario.Run(t.Context(), f, d)
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}
