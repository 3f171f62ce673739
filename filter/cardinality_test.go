package main_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// TestCardinality: 100,000 requests, each with a key, a path, a host, a method, a token and an address of its own, make
// no metric that the first few did not make.
func TestCardinality(t *testing.T) {
	const first, all = 100, 100_000
	g := start(t, module(t), configuration(t, fullSequence), hostsim.WithWorkers(2))
	g.okta.set(inactive())
	began := time.Now()
	var known []string
	for i := range all {
		if i == first {
			known = g.series()
		}
		g.do(invented(i))
	}
	took := time.Since(began)
	now := g.series()
	if !slices.Equal(known, now) {
		t.Errorf("metrics after %d requests: %q; after %d: %q", first, known, all, now)
	}
	for _, name := range now {
		if strings.Contains(name, "invented") {
			t.Errorf("a metric %q", name)
		}
	}
	var sum uint64
	for name, value := range g.metrics() {
		if strings.HasPrefix(name, "sallyport_usage.") {
			sum += value
		}
	}
	if sum != all {
		t.Errorf("%d requests are counted, of %d", sum, all)
	}
	t.Logf("%d series after %d requests and after %d (%.0f a second); %d requests counted", len(now), first, all, all/took.Seconds(), sum)
}

// series are the names of all metrics, in order.
func (g *gateway) series() []string {
	g.reported()
	var names []string
	for _, m := range g.Process().Metrics() {
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

// invented is a request with everything of its own. One in five has the good key, so that something of the catalog is
// known of it when it is refused.
func invented(i int) hostsim.Request {
	n := "invented-" + strconv.Itoa(i)
	r := request(n, "x-forwarded-for", fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255))
	r.Worker = i / 5 % 2
	switch i % 5 {
	case 0:
		r.Headers[0].Value = n
	case 1:
		r.Path = "/" + n
	case 2:
		r.Authority = n + ".example.com"
	case 3:
		r.Method, r.Path = "INVENTED", "/customers/v1/"+n
		r.Headers[0].Name = "x-" + n
	case 4:
		r.Headers[1].Value = "Basic " + n
	}
	return r
}

// TestCardinalityOfReconfigurations: apps with new names come and go in configurations, VMs crash, and the bound on their
// series holds for all of them together; no call is lost from the sums.
func TestCardinalityOfReconfigurations(t *testing.T) {
	const most, configurations, calls = 20, 15, 20
	config := func(generation int) []byte {
		text := string(configuration(t, "- verify_api_key: {from: [{header: x-api-key}]}\n- remove_api_key: {}"))
		text = strings.Replace(text, `"name":"portal-app"`, `"name":"app-`+strconv.Itoa(generation)+`"`, 1)
		return []byte(strings.Replace(text, `"version":1}`, fmt.Sprintf(`"usage":{"max_series":%d},"version":1}`, most), 1))
	}
	g := start(t, faultyModule(t), config(0), hostsim.WithWorkers(2), hostsim.WithFailurePolicy(hostsim.FailReload))
	for generation := range configurations {
		if err := g.UpdateConfig(config(generation)); err != nil {
			t.Fatal(err)
		}
		for i := range calls {
			r := request("token")
			r.Worker = i % 2
			response, x := g.do(r)
			g.must("a call", response, x, admitted)
		}
		g.reported() // what was counted since the last tick goes with the VM
		crash := request("token", "x-inject-panic", "headers fatal")
		crash.Worker = generation % 2
		r, _ := g.do(crash)
		if r.Status != 503 {
			t.Fatalf("status %d: the VM did not crash", r.Status)
		}
		g.Advance(time.Minute) // until it may be built again
	}
	var series int
	for _, name := range g.series() {
		if strings.Contains(name, "sp_app=app-") || strings.Contains(name, "sp_key=") {
			series++
		}
	}
	var sum, others uint64
	for name, value := range g.metrics() {
		if strings.HasPrefix(name, "sallyport_usage.") {
			sum += value
			if strings.Contains(name, "sp_app=other|") {
				others += value
			}
		}
	}
	if series != most || sum != configurations*calls || others == 0 {
		t.Errorf("%d series of the catalogs, want %d; %d calls counted, want %d; %d of them under other", series, most, sum, configurations*calls, others)
	}
	t.Logf("%d configurations with an app each and as many crashes, %d calls: %d series, %d calls under other", configurations, sum, series, others)
}
