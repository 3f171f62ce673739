package main_test

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
)

// playFolder plays the scenarios of one folder on the drivers that need no proxy. On a real Envoy they are played with all
// the others.
func playFolder(t *testing.T, folder string) {
	t.Helper()
	files, err := scenario.Load(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	for name, driver := range map[string]scenario.Driver{
		"native": nativeDriver{}, "hostsim": hostdriver.New(module(t)), "poisoned": hostdriver.New(poisonedModule(t)),
	} {
		played := 0
		for _, f := range files {
			if !strings.HasPrefix(f.Name, folder+"/") {
				continue
			}
			played++
			t.Run(name+"/"+f.Name, func(t *testing.T) {
				report, err := scenario.Run(t.Context(), f, driver)
				if err != nil || !report.OK() {
					t.Errorf("%s\n%s\n%v", f.Doc, report, err)
				}
			})
		}
		if t.Logf("%d scenarios on %s", played, name); played == 0 {
			t.Errorf("%s has no scenarios", folder)
		}
	}
}

func TestWhenScenarios(t *testing.T)       { playFolder(t, "when") }
func TestCORSScenarios(t *testing.T)       { playFolder(t, "cors") }
func TestSetHeadersScenarios(t *testing.T) { playFolder(t, "set_headers") }
func TestRaiseFaultScenarios(t *testing.T) { playFolder(t, "raise_fault") }
func TestVerifyJWTScenarios(t *testing.T)  { playFolder(t, "verify_jwt") }
