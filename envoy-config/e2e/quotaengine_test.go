package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// quotaSites are Envoys of two workers each that share one engine.
type quotaSites struct {
	t      *testing.T
	engine *quotaService
	sites  []*site
}

const quotaEnvoys, quotaWorkers = 2, 2

func newQuotaSites(t *testing.T) *quotaSites {
	t.Helper()
	q := &quotaSites{t: t, engine: newQuotaService(t)}
	module := wasmbuild.Package(t, "./filter")
	for range quotaEnvoys {
		s := newSite(t, siteOptions{Module: module, Concurrency: quotaWorkers, Shared: true})
		q.sites = append(q.sites, s)
		var clusters []any
		for kind, address := range map[string]string{"okta": s.authority.Listener.Addr().String(), "backend": s.backend.Address()} {
			c, err := cluster(kind, kind, address)
			if err != nil {
				t.Fatal(err)
			}
			clusters = append(clusters, c)
		}
		clusters = append(clusters, q.engine.cluster())
		if ok, err := s.envoy.OfferClusters(t.Context(), clusters); err != nil || !ok {
			t.Fatalf("envoy takes the clusters: %v, %v", ok, err)
		}
	}
	return q
}

// serve gives every Envoy a listener with this quota.
func (q *quotaSites) serve(name, quota string) {
	q.t.Helper()
	for _, s := range q.sites {
		s.serve(plan{
			name: name, vm: name,
			config: policies(q.t, "- verify_api_key: {from: [{header: x-api-key}]}\n- remove_api_key: {}\n- quota: {per: app, name: "+name+", "+quota+"}"),
			change: func(listener, _, _ map[string]any) {
				listener["connection_balance_config"] = map[string]any{"exact_balance": map[string]any{}}
			},
		})
	}
}

const realEngine = `engine: {cluster: ratelimit, timeout: 1s}`

// load has each Envoy asked by some clients, so many times each or until the end, and counts the answers by their reason.
func (q *quotaSites) load(name string, clients, each int, end time.Time) map[string]int {
	q.t.Helper()
	var mu sync.Mutex
	var done sync.WaitGroup
	results := map[string]int{}
	for _, s := range q.sites {
		address, err := s.envoy.Listener(q.t.Context(), name)
		if err != nil {
			q.t.Fatal(err)
		}
		for range clients {
			done.Go(func() {
				c := &http.Client{Transport: &http.Transport{}, Timeout: patience}
				defer c.CloseIdleConnections()
				for n := 0; (each == 0 || n < each) && (end.IsZero() || time.Now().Before(end)); n++ {
					word := quotaRequest(c, address)
					mu.Lock()
					results[word]++
					mu.Unlock()
					if !end.IsZero() {
						time.Sleep(2 * time.Millisecond)
					}
				}
			})
		}
	}
	done.Wait()
	return results
}

// quotaRequest answers "ok", a reason, or what went wrong.
func quotaRequest(c *http.Client, address string) string {
	r, err := http.NewRequest(http.MethodGet, "http://"+address+"/customers/v1/orders", nil)
	if err != nil {
		return err.Error()
	}
	r.Host = "api.example.com"
	r.Header.Set("x-api-key", siteKey)
	answer, err := c.Do(r)
	if err != nil {
		return "error"
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	if answer.StatusCode == http.StatusOK {
		return "ok"
	}
	return answer.Header.Get("x-sallyport-reason")
}

// calls is how many of them the Envoys have made to the engine.
func (q *quotaSites) calls() (n uint64) {
	q.t.Helper()
	const total = "cluster.ratelimit.upstream_rq_total"
	for _, s := range q.sites {
		now, err := s.envoy.Stats(q.t.Context(), "^"+strings.ReplaceAll(total, ".", `\.`)+"$")
		if err != nil {
			q.t.Fatal(err)
		}
		n += now.Number[total]
	}
	return n
}

// TestQuotaEngine: a limit over two Envoys with a real engine, envoyproxy/ratelimit with Redis.
func TestQuotaEngine(t *testing.T) {
	t.Parallel()
	q := newQuotaSites(t)
	for _, part := range []struct {
		name string
		run  func(*quotaSites)
	}{
		{"exact", quotaExact},
		{"another domain", quotaOtherDomain},
		{"changed limit", quotaChanged},
		{"reset", quotaReset},
		{"reconciled", quotaReconciled},
		{"outages", quotaOutages},
	} {
		t.Run(part.name, func(t *testing.T) {
			own := &quotaSites{t: t, engine: q.engine}
			for _, s := range q.sites {
				own.sites = append(own.sites, s.on(t))
			}
			part.run(own)
		})
	}
}

func quotaExact(q *quotaSites) {
	const limit = 500
	q.serve("gwexact", fmt.Sprintf("limit: %d, interval: month, mode: exact, %s", limit, realEngine))
	before := q.calls()
	got := q.load("gwexact", 16, 60, time.Time{})
	q.t.Logf("%v with %d calls", got, q.calls()-before)
	if got["ok"] != limit || got["quota.exceeded"] != quotaEnvoys*16*60-limit {
		q.t.Errorf("%v, want %d admitted and the others over the quota", got, limit)
	}
}

// quotaOtherDomain: the service says OK to a domain that it does not know, and counts nothing.
func quotaOtherDomain(q *quotaSites) {
	q.serve("gwdomain", "limit: 3, interval: day, mode: exact, engine: {cluster: ratelimit, timeout: 1s, domain: another}")
	if got := q.load("gwdomain", 1, 10, time.Time{}); got["quota.unavailable"] != quotaEnvoys*10 {
		q.t.Errorf("%v, want nobody admitted", got)
	}
}

func quotaChanged(q *quotaSites) {
	limits := func(n int) string { return fmt.Sprintf("limit: %d, interval: day, mode: exact, %s", n, realEngine) }
	q.serve("gwchanged", limits(400))
	first := q.load("gwchanged", 4, 30, time.Time{})
	q.serve("gwchanged", limits(600))
	second := q.load("gwchanged", 8, 60, time.Time{})
	if first["ok"] != 240 || first["ok"]+second["ok"] != 600 {
		q.t.Errorf("raised before it was used up: %v, then %v, want 240 and 360 more", first, second)
	}
	q.serve("gwchanged", limits(100))
	if lowered := q.load("gwchanged", 2, 10, time.Time{}); lowered["ok"] != 0 {
		q.t.Errorf("lowered: %v", lowered)
	}
	q.serve("gwchanged", limits(700))
	third := q.load("gwchanged", 8, 60, time.Time{})
	q.t.Logf("raised by 100 when it was used up: %d more", third["ok"])
	if third["ok"] > 100 || third["ok"] < 100-quotaEnvoys*quotaWorkers {
		q.t.Errorf("raised when it was used up: %v, want 100, less one for each worker at most", third)
	}
}

// quotaReset takes a count away as the operator does, with the command.
func quotaReset(q *quotaSites) {
	const limit = 30
	q.serve("gwreset", fmt.Sprintf("limit: %d, interval: day, mode: exact, %s", limit, realEngine))
	if first := q.load("gwreset", 2, 20, time.Time{}); first["ok"] != limit {
		q.t.Fatalf("before: %v", first)
	}
	for _, word := range []string{"show", "reset"} {
		out, err := exec.CommandContext(q.t.Context(), "go", "run", "../../filter/cmd/sallyport", "quota", word,
			"--redis", fmt.Sprintf("127.0.0.1:%d", q.engine.redis), "--name", "gwreset", "--app", "portal-app").CombinedOutput()
		if err != nil || word == "show" && !strings.Contains(string(out), "day") || word == "reset" && !strings.Contains(string(out), "removed 1 counts") {
			q.t.Fatalf("sallyport quota %s: %v\n%s", word, err, out)
		}
		q.t.Logf("%s", out)
	}
	time.Sleep(5500 * time.Millisecond)
	look := q.load("gwreset", 2, 1, time.Time{}) // has the engine looked at, and may be let in by it
	time.Sleep(500 * time.Millisecond)
	if again := q.load("gwreset", 4, 20, time.Time{}); look["ok"]+again["ok"] != limit {
		q.t.Errorf("after: %v, then %v", look, again)
	}
}

// TestQuotaEngineAtTheBoundary waits for the end of a minute, so it is a test of its own, beside others.
func TestQuotaEngineAtTheBoundary(t *testing.T) {
	t.Parallel()
	const limit = 60
	q := newQuotaSites(t)
	q.serve("gwboundary", fmt.Sprintf("limit: %d, interval: minute, mode: exact, %s", limit, realEngine))
	next := time.Now().Truncate(time.Minute).Add(time.Minute)
	if time.Until(next) < 2*time.Second {
		next = next.Add(time.Minute)
	}
	time.Sleep(time.Until(next.Add(-2 * time.Second)))
	got := q.load("gwboundary", 2, 0, next.Add(3*time.Second))
	t.Logf("over a minute's end: %v", got)
	if got["ok"] != 2*limit {
		t.Errorf("%v, want twice %d", got, limit)
	}
}

func quotaReconciled(q *quotaSites) {
	const limit, batch = 2000, 20
	const bound = limit + quotaEnvoys*2*batch - 1
	q.serve("gwshared", fmt.Sprintf("limit: %d, interval: month, mode: reconciled, batch: %d, sync_interval: 1m, %s", limit, batch, realEngine))
	before := q.calls()
	got := q.load("gwshared", 8, 300, time.Time{})
	calls := q.calls() - before
	q.t.Logf("%v, bound %d, with %d calls for batches of %d", got, bound, calls, batch)
	if got["ok"] < limit || got["ok"] > bound {
		q.t.Errorf("%v, want %d to %d", got, limit, bound)
	}
	if int(calls) > got["ok"]/batch {
		q.t.Errorf("%d calls for %d requests in batches of %d", calls, got["ok"], batch)
	}
}

func quotaOutages(q *quotaSites) {
	const limit, may = 100_000, 25
	modes := map[string]string{"gwdeny": "deny", "gwallow": "allow", "gwsome": fmt.Sprintf("{allow: %d}", may)}
	quick := `engine: {cluster: ratelimit, timeout: 500ms, breaker: {failures: 3, open_for: 200ms, longest_open: 1s}}`
	for name, word := range modes {
		q.serve(name, fmt.Sprintf("limit: %d, interval: month, mode: exact, on_engine_failure: %s, %s", limit, word, quick))
		if got := q.load(name, 2, 10, time.Time{}); got["ok"] != 40 {
			q.t.Errorf("%s, before: %v", name, got)
		}
	}
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		q.t.Fatal(err)
	}
	kill(q.engine.redisRuns)
	q.down("Redis is down", modes, 10*time.Second, may)
	q.engine.t = q.t
	q.engine.startRedis(redis)
	q.back("Redis is back", modes)
	kill(q.engine.serviceRuns)
	q.down("the service is down", modes, 3*time.Second, may)
	q.engine.startService()
	q.back("the service is back", modes)
}

// down loads every listener in an outage.
func (q *quotaSites) down(what string, modes map[string]string, long time.Duration, may int) {
	q.t.Helper()
	end := time.Now().Add(long)
	var done sync.WaitGroup
	var mu sync.Mutex
	all := map[string]map[string]int{}
	for name := range modes {
		done.Go(func() {
			got := q.load(name, 1, 0, end)
			mu.Lock()
			all[name] = got
			mu.Unlock()
		})
	}
	done.Wait()
	q.t.Logf("%s for %v: %v", what, long, all)
	if got := all["gwdeny"]; got["ok"] != 0 || got["quota.unavailable"] == 0 {
		q.t.Errorf("%s, deny: %v", what, got)
	}
	if got := all["gwallow"]; got["ok"] == 0 || len(got) != 1 {
		q.t.Errorf("%s, allow: %v", what, got)
	}
	if got := all["gwsome"]; got["ok"] != quotaEnvoys*may || got["quota.unavailable"] == 0 {
		q.t.Errorf("%s, %d of each Envoy: %v", what, may, got)
	}
}

// back waits until every listener serves again, with the engine.
func (q *quotaSites) back(what string, modes map[string]string) {
	q.t.Helper()
	began := time.Now()
	for name := range modes {
		for {
			if got := q.load(name, 1, 1, time.Time{}); got["ok"] == quotaEnvoys {
				break
			}
			if time.Since(began) > patience {
				q.t.Fatalf("%s: %s does not serve", what, name)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	q.t.Logf("%s: every Envoy serves after %v", what, time.Since(began).Round(time.Millisecond))
	time.Sleep(3 * time.Second) // what was owed is reported
	if got := q.load("gwdeny", 2, 10, time.Time{}); got["ok"] != 40 {
		q.t.Errorf("%s: %v", what, got)
	}
}
