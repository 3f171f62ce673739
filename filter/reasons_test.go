package main_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// fewestScenarios is how many there have to be at least.
const fewestScenarios = 60

// provenElsewhere are the reasons that no scenario can bring about, one request at a time on a host that works: they
// need a bug, a rival, a crowd or a host that forgets. Each is shown by the test that is named.
var provenElsewhere = map[denial.Reason]string{
	denial.Internal:                   "TestPanic",
	denial.SpikeArrestUnavailable:     "TestReasonSpikeArrestUnavailable",
	denial.ConcurrentCallsUnavailable: "TestReasonConcurrentCallsUnavailable",
	denial.IntrospectionDeadline:      "TestReasonIntrospectionDeadline",
	denial.IntrospectionOverloaded:    "TestReasonIntrospectionOverloaded",
	denial.DPoPUnavailable:            "TestReasonDPoPUnavailable",
}

// TestScenariosShowEveryReason looks for each reason of the table in what some scenario expects.
func TestScenariosShowEveryReason(t *testing.T) {
	files, err := scenario.Load(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < fewestScenarios {
		t.Errorf("%d scenarios, want %d at least", len(files), fewestScenarios)
	}
	shown := map[string]int{}
	for _, f := range files {
		for _, h := range f.Expected().Headers {
			if strings.EqualFold(h.Name, denial.ReasonHeader) {
				shown[h.Value]++
			}
		}
	}
	tests := testsIn(t, ".")
	for _, r := range denial.Reasons() {
		elsewhere, excused := provenElsewhere[r]
		switch {
		case excused && shown[r.String()] > 0:
			t.Errorf("%s is shown by a scenario: take it off the list of exceptions", r)
		case excused && !slices.Contains(tests, elsewhere):
			t.Errorf("%s should be shown by %s, and there is no such test", r, elsewhere)
		case !excused && shown[r.String()] == 0:
			t.Errorf("no scenario shows %s", r)
		}
	}
	t.Logf("%d scenarios show %d reasons, %d more have a test of their own, of %d",
		len(files), len(shown), len(provenElsewhere), len(denial.Reasons()))
}
