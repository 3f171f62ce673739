package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
)

// peerFaults are faults that gateways of this kind have had, or have, and what shows that this one has not. scenarios
// stand in testdata/scenarios/peer_fault, begin with the number and run on all three drivers; tests are where a
// scenario, one request at a time, cannot show it.
var peerFaults = []struct {
	number    int
	fault     string
	scenarios []string
	tests     []string // path of the package from here, and the name
}{
	{number: 1, fault: "Kong 3.12.0.11: a token that was revoked or had expired went on being accepted", scenarios: []string{"expired_on_a_hit", "revoked_evicts"},
		tests: []string{"internal/policy/introspection TestRevocationReachesAllVMs", "internal/policy/introspection TestIntrospectionModel"}},
	{number: 2, fault: "Kong 3.12: negative caching ate the memory", scenarios: []string{"garbage_evicts_no_good_token"},
		tests: []string{"internal/policy/introspection TestGarbageTokensDoNotPushOutGoodOnes", "../envoy-config/e2e TestGarbageTokensOnEnvoy"}},
	{number: 3, fault: "Kong OIDC 3.15.0.1: a lifetime of 0 or less was cached for ever", scenarios: []string{"exp_that_is_past_is_not_kept", "exp_of_zero_is_refused"}},
	{number: 4, fault: "heimdall: a cache hit skipped the rules", scenarios: []string{"rules_run_on_a_hit"}},
	{number: 5, fault: "lua-resty-openidc: one location's cached answer served another", scenarios: []string{"no_confusion_between_endpoints"},
		tests: []string{"internal/policy/introspection TestKeyDependsOnEveryPart"}},
	{number: 6, fault: "lua-resty-openidc: an active:false without exp was never cached", scenarios: []string{"inactive_without_exp_is_kept"}},
	{number: 7, fault: "APISIX: a time-out of the server was told as 401", scenarios: []string{"timeout_is_no_401", "words_of_the_server_stay_inside"},
		tests: []string{"../envoy-config/e2e TestOktaOutage"}},
	{number: 8, fault: "Apigee remote service: a network error was remembered as a bad key", scenarios: []string{"network_error_is_not_remembered", "error_is_not_remembered"}},
	{number: 9, fault: "Higress: forged identity, leftmost X-Forwarded-For, credentials in the log, a token left in the query",
		scenarios: []string{"forged_identity", "leftmost_forwarded_for", "token_in_the_query", "credential_in_the_log"}, tests: []string{"../envoy-config/e2e TestLeak"}},
	{number: 10, fault: "wasm-shim: a call without a healthy host hung the request", scenarios: []string{"no_healthy_host", "no_such_cluster"},
		tests: []string{". TestReasonIntrospectionDeadline"}},
	{number: 11, fault: "wasm-extensions, Higress: a lost compare-and-swap was given up, and more was let through",
		tests: []string{". TestSpikeShared", "../envoy-config/e2e TestSpikeShared", "internal/breaker TestWithoutItsRecordNoCallIsMade"}},
	{number: 12, fault: "oathkeeper, gluu, mod_auth_openidc: the cache could not be switched off", scenarios: []string{"cache_off"}},
	{number: 13, fault: "Tyk, NickUfer: the body was read before the status; JSON that was not as expected ended the program",
		scenarios: []string{"status_before_body", "body_that_is_not_json"}, tests: []string{"internal/policy/introspection FuzzIntrospectionAnswer"}},
}

const lastPeerFault = 13

// TestPeerFault plays what shows each of them, and fails when something is missing, or stands there unnamed.
func TestPeerFault(t *testing.T) {
	const folder = scenarios + "/peer_fault"
	files, err := scenario.Load(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]*scenario.File{}
	for _, f := range files {
		if name, ok := strings.CutPrefix(f.Name, "peer_fault/"); ok {
			named[name] = f
		}
	}
	drivers := []scenario.Driver{nativeDriver{}, hostdriver.New(module(t))}
	for i, p := range peerFaults {
		if p.number != i+1 || len(p.scenarios)+len(p.tests) == 0 {
			t.Errorf("fault %d stands in place %d, with %d scenarios and %d tests", p.number, i+1, len(p.scenarios), len(p.tests))
		}
		for _, s := range p.scenarios {
			name := fmt.Sprintf("%02d_%s", p.number, s)
			f, ok := named[name]
			if !ok {
				t.Errorf("%s has no %s.txtar, which shows: %s", folder, name, p.fault)
				continue
			}
			delete(named, name)
			for _, d := range drivers {
				t.Run(name+"/"+d.Name(), func(t *testing.T) { play(t, f, d) })
			}
		}
		for _, test := range p.tests {
			dir, name, _ := strings.Cut(test, " ")
			if !slices.Contains(testsIn(t, dir), name) {
				t.Errorf("%s has no %s, which shows: %s", dir, name, p.fault)
			}
		}
		t.Logf("%2d. %s: %d scenarios, tests %q", p.number, p.fault, len(p.scenarios), p.tests)
	}
	if len(peerFaults) != lastPeerFault {
		t.Errorf("%d faults, want %d", len(peerFaults), lastPeerFault)
	}
	for name := range named {
		t.Errorf("%s/%s.txtar belongs to no fault", folder, name)
	}
}

func play(t *testing.T, f *scenario.File, d scenario.Driver) {
	t.Helper()
	report, err := scenario.Run(t.Context(), f, d)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Error(report)
	}
}

// testsIn are the tests and fuzz targets of the package in a folder.
func testsIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "func "); ok {
				name, _, _ := strings.Cut(rest, "(")
				names = append(names, name)
			}
		}
	}
	return names
}
