package usage

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// meters remember what was written, by name.
type meters struct {
	counters map[string]int64
	gauges   map[string][]int64
	observed map[string][]int64
}

func newMeters() *meters {
	return &meters{counters: map[string]int64{}, gauges: map[string][]int64{}, observed: map[string][]int64{}}
}

func (m *meters) Count(name string)            { m.counters[name]++ }
func (m *meters) Add(name string, n int64)     { m.counters[name] += n }
func (m *meters) Gauge(name string, v int64)   { m.gauges[name] = append(m.gauges[name], v) }
func (m *meters) Observe(name string, v int64) { m.observed[name] = append(m.observed[name], v) }

func (m *meters) Counter(name string) host.Counter { return pipelinetest.Named{Host: m, Name: name} }
func (m *meters) Histogram(name string) host.Histogram {
	return pipelinetest.Named{Host: m, Name: name}
}

// ofCatalog counts the series that the bound is for.
func (m *meters) ofCatalog() (n int) {
	for _, names := range []map[string][]int64{m.gauges, m.observed} {
		for name := range names {
			if !strings.Contains(name, others.Labels()) {
				n++
			}
		}
	}
	for name := range m.counters {
		if strings.Contains(name, "sp_api=") && !strings.Contains(name, others.Labels()) {
			n++
		}
	}
	return n
}

var jane = Party{App: "shop", Product: "gold", API: "orders", Version: "v1"}

func TestNames(t *testing.T) {
	tests := []struct {
		name string
		call Call
		want string
	}{
		{"allowed", Call{Allowed: true, Party: jane, Status: 204}, "sp_decision=allow|sp_app=shop|sp_product=gold|sp_api=orders|sp_version=v1|sp_class=2xx|"},
		{"allowed by nobody's fault", Call{Allowed: true, Reason: denial.TokenInactive, Party: jane, Status: 599}, "sp_decision=allow|sp_app=shop|sp_product=gold|sp_api=orders|sp_version=v1|sp_class=5xx|"},
		{"no answer", Call{Allowed: true, Party: jane}, "sp_decision=allow|sp_app=shop|sp_product=gold|sp_api=orders|sp_version=v1|"},
		{"no status", Call{Allowed: true, Status: 99}, "sp_decision=allow|"},
		{"no status either", Call{Allowed: true, Status: 600}, "sp_decision=allow|"},
		{"refused, nothing known", Call{Status: 500}, "sp_decision=deny|sp_reason=internal.error|sp_class=5xx|"},
		{"refused at the API", Call{Reason: denial.SpikeArrestExceeded, Party: Party{API: "orders", Version: "v1"}, Status: 429}, "sp_decision=deny|sp_reason=spike_arrest.exceeded|sp_api=orders|sp_version=v1|sp_class=4xx|"},
		{"a name that would end its label", Call{Allowed: true, Party: Party{App: "a|sp_app=b", API: "é %"}}, "sp_decision=allow|sp_app=a%7Csp_app%3Db|sp_api=%C3%A9%20%25|"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMeters()
			NewRecorder(10, memstore.New(nil), m).Record(&tt.call)
			if diff := cmp.Diff(map[string]int64{"sallyport_usage." + tt.want: 1}, m.counters); diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLatencyIsOfAllowedCalls(t *testing.T) {
	m := newMeters()
	r := NewRecorder(10, memstore.New(nil), m)
	r.Record(&Call{Allowed: true, Party: jane, Status: 200, Latency: 1999 * time.Microsecond})
	r.Record(&Call{Reason: denial.TokenInactive, Party: jane, Status: 401, Latency: time.Hour})
	want := map[string][]int64{"sallyport_latency_ms.sp_app=shop|sp_product=gold|sp_api=orders|sp_version=v1|": {1}}
	if diff := cmp.Diff(want, m.observed); diff != "" {
		t.Errorf("latencies (-want +got):\n%s", diff)
	}
}

func TestLastUseIsToldOnceAMinute(t *testing.T) {
	m := newMeters()
	r := NewRecorder(10, memstore.New(nil), m)
	for _, at := range []time.Duration{0, time.Second, 59 * time.Second, 60 * time.Second, 100 * time.Second, 30 * time.Second} { // the clock goes back at last
		r.Record(&Call{Allowed: true, KeyID: "k 1", Now: int64(1000*time.Second + at)})
	}
	r.Record(&Call{Reason: denial.TokenInactive, KeyID: "k2", Now: int64(2000 * time.Second)})
	r.Record(&Call{Reason: denial.APIKeyExpired, Now: int64(2000 * time.Second)})
	want := map[string][]int64{
		"sallyport_key_last_used_seconds.sp_key=k%201|": {1000, 1060, 1030},
		"sallyport_key_last_used_seconds.sp_key=k2|":    {2000},
	}
	if diff := cmp.Diff(want, m.gauges); diff != "" {
		t.Errorf("last uses (-want +got):\n%s", diff)
	}
}

// TestCardinalityOfACatalog: a catalog with far more combinations than there may be series, called through several VMs
// and configurations. Nothing is lost from the sums.
func TestCardinalityOfACatalog(t *testing.T) {
	const most, vms, calls = 300, 4, 40_000
	store, m := memstore.New(nil), newMeters()
	var recorders []*Recorder
	for range vms {
		recorders = append(recorders, NewRecorder(most, store, m))
	}
	allowed, refused := map[string]int64{}, map[string]int64{}
	for i := range calls {
		if i == calls/2 { // a new configuration comes into all VMs
			for vm := range recorders {
				recorders[vm] = NewRecorder(most, store, m)
			}
		}
		n := strconv.Itoa(i % 5000)
		c := Call{Allowed: i%3 > 0, Reason: denial.TokenInactive, Party: Party{App: "app-" + n, Product: "p-" + n, API: "a", Version: "v1"}, KeyID: "k-" + n, Status: 200 + i%2*300}
		class := "sp_class=" + strconv.Itoa(c.Status/100) + "xx|"
		if c.Allowed {
			allowed[class]++
		} else {
			refused[class]++
		}
		recorders[i%vms].Record(&c)
	}
	if got := m.ofCatalog(); got != most {
		t.Errorf("%d series of the catalog, want exactly %d: there was need for more", got, most)
	}
	gotAllowed, gotRefused := map[string]int64{}, map[string]int64{}
	for name, n := range m.counters {
		class := name[strings.Index(name, "sp_class="):]
		switch {
		case strings.HasPrefix(name, "sallyport_usage.sp_decision=allow|sp_app="):
			gotAllowed[class] += n
		case strings.HasPrefix(name, "sallyport_usage.sp_decision=deny|sp_reason=token.inactive|sp_app="):
			gotRefused[class] += n
		default:
			t.Errorf("a series %s", name)
		}
	}
	if diff := cmp.Diff([]map[string]int64{allowed, refused}, []map[string]int64{gotAllowed, gotRefused}); diff != "" {
		t.Errorf("sums (-want +got):\n%s", diff)
	}
	for _, r := range recorders {
		if n := len(r.counters) + len(r.latency) + len(r.keys); n > most+10 {
			t.Errorf("a VM remembers %d names", n)
		}
	}
	t.Logf("%d calls of 5,000 apps through %d VMs and 2 configurations: %d series of the catalog, %d in all, sums as called", calls, vms, m.ofCatalog(), len(m.counters)+len(m.gauges)+len(m.observed))
}

// TestCardinalityWithoutSharedData: when the host fails, nothing of the catalog is named, and calls are counted all the
// same; when it comes back, so do the names.
func TestCardinalityWithoutSharedData(t *testing.T) {
	broken := errors.New("broken host")
	store := memstore.New(func(memstore.Operation, string) error { return broken })
	m := newMeters()
	r := NewRecorder(10, store, m)
	call := Call{Allowed: true, Party: jane, KeyID: "k", Status: 200}
	r.Record(&call)
	if m.ofCatalog() != 0 || m.counters["sallyport_usage.sp_decision=allow|"+others.Labels()+"sp_class=2xx|"] != 1 {
		t.Errorf("counters %v", m.counters)
	}
	broken = nil
	r.Record(&call)
	if m.counters["sallyport_usage.sp_decision=allow|"+jane.Labels()+"sp_class=2xx|"] != 1 {
		t.Errorf("counters %v", m.counters)
	}
}

// TestCardinalityOfADamagedList: the places of a damaged page are given up.
func TestCardinalityOfADamagedList(t *testing.T) {
	const most = 2*pageEntries + 3
	store, m := memstore.New(nil), newMeters()
	fill := func(from int) {
		r := NewRecorder(most, store, m)
		for i := range 2 * most {
			r.Record(&Call{Reason: denial.APIKeyExpired, Party: Party{App: strconv.Itoa(from + i), API: "a"}})
		}
	}
	first := NewRecorder(most, store, m)
	first.Record(&Call{Reason: denial.APIKeyExpired, Party: Party{App: "0", API: "a"}})
	if err := store.Set("sallyport/1/usage/0", []byte("not ours"), 0); err != nil {
		t.Fatal(err)
	}
	fill(1)
	if got := m.ofCatalog(); got != most-pageEntries+1 {
		t.Errorf("%d series, want %d: one before the damage, and the places of all other pages", got, most-pageEntries+1)
	}
}

func TestCardinalityOfNothing(t *testing.T) {
	store, m := memstore.New(nil), newMeters()
	r := NewRecorder(0, store, m)
	r.Record(&Call{Allowed: true, Party: jane, KeyID: "k", Status: 200})
	if m.ofCatalog() != 0 || len(m.gauges) != 0 {
		t.Errorf("counters %v, gauges %v", m.counters, m.gauges)
	}
	if _, _, err := store.Get("sallyport/1/usage/0"); !errors.Is(err, sharedtable.ErrNotFound) {
		t.Errorf("shared data was used: %v", err)
	}
}

func TestAMaximalRoster(t *testing.T) {
	r := newRoster(memstore.New(nil), MaxSeries)
	for i := range MaxSeries {
		if !r.admits([]byte(strconv.Itoa(i))) {
			t.Fatalf("no room for number %d", i)
		}
	}
	if r.admits([]byte("one more")) || !r.admits([]byte("0")) {
		t.Error("a full roster admits what it does not hold, or not what it holds")
	}
}
