package bench

import (
	"errors"
	"os"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/helper"
	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/load"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/quotaengine"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

func TestMain(m *testing.M) {
	helper.Main()
	os.Exit(m.Run())
}

// TestBenchSmoke runs the whole harness for a second for each contender, on a
// real Envoy. It asks that everything was measured, not how fast it was.
func TestBenchSmoke(t *testing.T) {
	needLoad(t)
	report, err := Run(t.Context(), Options{Envoy: envoytest.Find(t), Short: true, Only: "contenders/|refusals/|half load|startup|memory", Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%v", report)
	for _, f := range report.Cases {
		if !(f.CPU.Median > 0 && f.P99.Median >= f.P50.Median && f.Rate.Median > 0 && f.Generator.Median > 0) {
			t.Errorf("%s: %+v", f.Name, f)
		}
		if f.Name == ExtAuthz && f.Helpers.Median <= 0 {
			t.Error("the CPU of the service of ext_authz is not counted")
		}
	}
	if report.HalfLoad == nil || report.HalfLoad.P99.Median <= 0 {
		t.Errorf("half load: %+v", report.HalfLoad)
	}
	if s := report.Startup; s == nil || s.Sallyport.CPU.Median <= s.None.CPU.Median {
		t.Errorf("startup: %+v", s)
	}
	if m := report.Memory; m == nil || len(m.Samples) == 0 {
		t.Errorf("memory: %+v", m)
	}
	if len(report.Cases) == 0 || len(report.Criteria) == 0 {
		t.Errorf("%d cases, %d criteria", len(report.Cases), len(report.Criteria))
	}
}

// TestBenchmarkQuota plays a round of the quotas; `make bench` judges them.
func TestBenchmarkQuota(t *testing.T) {
	needLoad(t)
	report, err := Run(t.Context(), Options{Envoy: envoytest.Find(t), Short: true, Only: "^" + GroupQuota + "/", Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%v", report)
	if report.find(QuotaLocal) == nil {
		t.Error("the local quota was not measured")
	}
	switch f := report.find(QuotaExact); {
	case f == nil && os.Getenv("CI") == "true":
		t.Error(quotaengine.ErrMissing)
	case f == nil:
		t.Skip(quotaengine.ErrMissing)
	case f.Helpers.Median <= 0 || report.find(NativeQuota).Helpers.Median <= 0:
		t.Error("the CPU of the engine is not counted")
	}
}

// TestMemoryFlat plays some seconds of what the test with the tag soak, and
// `make bench`, do with 5 million requests.
func TestMemoryFlat(t *testing.T) {
	needLoad(t)
	report, err := Run(t.Context(), Options{Envoy: envoytest.Find(t), Short: true, Only: "^memory$", Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	m := report.Memory
	t.Logf("%d requests: %+.2f %% after the first tenth", m.Requests, 100*m.Growth)
	if m.Growth > shortGrowth {
		t.Errorf("memory grew by %.1f %%: %v", 100*m.Growth, m.Samples)
	}
}

// shortGrowth leaves room for one growth of each guest's heap, which comes once.
const shortGrowth = 0.1

// needLoad skips a test where wrk is missing, and fails it in CI.
func needLoad(t *testing.T) {
	t.Helper()
	err := load.Check()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true" || !errors.Is(err, load.ErrNoWrk):
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}
