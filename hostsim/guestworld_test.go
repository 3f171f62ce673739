package hostsim_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// ask runs operations in on_request_headers and gives each one's result.
func ask(t *testing.T, h *hostsim.Host, r hostsim.Request) func(op string) string {
	t.Helper()
	_, e := do(t, h, r)
	return func(op string) string { t.Helper(); return result(t, e.Log, op) }
}

func wantResults(t *testing.T, got func(string) string, want map[string]string) {
	t.Helper()
	for op, w := range want {
		if g := got(op); g != w {
			t.Errorf("%s -> %s, want %s", op, g, w)
		}
	}
}

// script joins operations to a line for on_request_headers.
func script(ops ...string) string { return "request_headers: " + strings.Join(ops, "; ") }

func TestHeaderMaps(t *testing.T) {
	got := ask(t, newHost(t, script("get 0 authorization", "get 0 x-api-key", "prop request.headers.x-api-key", "get 0 X-API-KEY",
		"get 0 none", "get 1 a", "get 2 :status", "get 6 :status", "get 8 a", "pairs 2", "set 2 a b", "remove 0 none", "mapsize 1", "add 0 x-new 1",
		"add 0 x-new 2", "set 0 x-api-key 3", "pairs 0")),
		hostsim.Request{Headers: abi.Headers{{Name: "Authorization", Value: "A"}, {Name: "authorization", Value: "B"},
			{Name: "x-api-key", Value: "one"}, {Name: "x-api-key", Value: "two"}, {Name: "x-request-id", Value: "id"}}})
	wantResults(t, got, map[string]string{
		"get 0 authorization": `0 "A,B"`, "get 0 x-api-key": `0 "one"`, "prop request.headers.x-api-key": `0 "one,two"`,
		"get 0 X-API-KEY": `0 "one"`, "get 0 none": "1", "get 1 a": "2", "get 2 :status": "2", "get 6 :status": "2", "get 8 a": "2",
		"pairs 2": "0 ", "set 2 a b": "2", "remove 0 none": "0", "mapsize 1": "2 0",
		"pairs 0": "0 :authority|example.com|:path|/|:method|GET|:scheme|http|authorization|A,B|x-request-id|id|x-forwarded-proto|http|x-new|1|x-new|2|x-api-key|3",
	})
}

func TestSetPairs(t *testing.T) {
	h := newHost(t, script("setpairs 0 :path=/new,:method=GET,:authority=a,x-forwarded-proto=http,x=1,x=2"))
	_, e := do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "gone", Value: "1"}}})
	if p, _ := e.Upstream.Headers.Get(":path"); p != "/new" || len(e.Upstream.Headers) != 7 {
		t.Errorf("backend saw %v", e.Upstream.Headers)
	}
	h = newHost(t, script("setbadpairs 0", "pairs 0"))
	r, e := do(t, h, hostsim.Request{})
	if got := result(t, e.Log, "pairs 0"); got != "0 " {
		t.Errorf("pairs that break the format: map has %q, want none left", got)
	}
	wantStatus(t, r, 404) // there is no route for nothing
}

// A guest that takes away what Envoy finds routes by has its request answered with 404.
func TestNoRoute(t *testing.T) {
	for _, lost := range []string{":path", "x-forwarded-proto"} {
		r, e := do(t, newHost(t, script("remove 0 "+lost)), hostsim.Request{Method: "POST", Body: []byte("body")})
		if r.Status != 404 || len(r.Body) > 0 || e.Upstream != nil || e.Details != "route_not_found" {
			t.Errorf("without %s: status %d, body %q, details %q, backend saw %v", lost, r.Status, r.Body, e.Details, e.Upstream)
		}
	}
}

// The last chunk of a body may be empty, and the body that was held back too: the end must get through all the same.
func TestHeldBodyThatBecomesEmpty(t *testing.T) {
	h := newHost(t, "request_headers: remove 0 content-length\nresponse_headers: remove 2 content-length\n"+
		"request_body: pauseuntilend; setbody 0 0 100 \nresponse_body: pauseuntilend; setbody 1 0 100 ")
	r, e := do(t, h, hostsim.Request{Method: "POST", Body: []byte("body")})
	if r.Status != 200 || len(r.Body) > 0 || e.Upstream == nil || !e.Upstream.Complete || len(e.Upstream.Body) > 0 {
		t.Errorf("status %d, body %q, backend saw %+v", r.Status, r.Body, e.Upstream)
	}
}

func TestHeaderValuesAreNotChecked(t *testing.T) {
	_, e := do(t, newHost(t, script(`set 0 x-sub a\r\nx-admin: 1`)), hostsim.Request{})
	if v, _ := e.Upstream.Headers.Get("x-sub"); v != "a\r\nx-admin: 1" {
		t.Errorf("value %q", v)
	}
}

func TestSharedDataRules(t *testing.T) {
	got := ask(t, newHost(t, script("sdget k", "sdset k 7 first", "sdset k 9 x", "sdset k 0 second", "sdget k ", "sdset k read third",
		"sdset k read fourth", "sdset e 0", "sdget e")), hostsim.Request{})
	wantResults(t, got, map[string]string{
		"sdget k": "1", "sdset k 7 first": "0", "sdset k 9 x": "8", "sdset k 0 second": "0",
		"sdset k read fourth": "8", "sdget e": `0 ""`,
	})
}

func TestSharedQueue(t *testing.T) {
	h := newHost(t, `configure: qregister q
@send request_headers: qresolve q; qresolve none; enqueue q hello; enqueue q there; enqueueid 99
@wait request_headers: pause
queue_ready: dequeue q; effective; continue 0`, hostsim.WithWorkers(2))
	pending, err := h.Start(hostsim.Request{Worker: 1, Headers: abi.Headers{{Name: "x-script", Value: "wait"}}})
	if err != nil {
		t.Fatal(err)
	}
	_, e := do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "x-script", Value: "send"}}})
	wantResults(t, func(op string) string { return result(t, e.Log, op) },
		map[string]string{"qresolve q": "0 1", "qresolve none": "1 0", "enqueueid 99": "1", "dequeue q": `0 "hello"`})
	r, _, err := pending.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, r, 200)
	for _, l := range e.Log {
		if strings.HasPrefix(l.Message, "queue_ready") && l.Thread != 2 {
			t.Errorf("queue_ready on thread %d, want the last registrant's, 2: %s", l.Thread, l.Message)
		}
	}
	if messages, ok := h.Process().Queue("", "q"); !ok || len(messages) != 0 {
		t.Errorf("queue has %q", messages)
	}
}

func TestMetrics(t *testing.T) {
	h := newHost(t, script("metric c 0", "metric g 1", "metric h 2", "metric bad 3", "metric c 0", "increment c 0", "increment c -1", "increment c 5",
		"record c 2", "increment g -3", "record g 9", "increment g -2", "record h 4", "increment h 1", "metricget h", "metricget c", "metricget 400", "increment 400 1"))
	wantResults(t, ask(t, h, hostsim.Request{}), map[string]string{
		"metric c 0": "0 4", "metric g 1": "0 5", "metric h 2": "0 6", "metric bad 3": "2 0", "increment c 0": "2", "increment c -1": "2",
		"increment c 5": "0", "increment h 1": "2", "metricget h": "2 0", "metricget c": "0 7", "metricget 400": "1 0", "increment 400 1": "1",
	})
	if c, g := h.Process().Metric("c"), h.Process().Metric("g"); c != 7 || g != 7 {
		t.Errorf("c %d, g %d", c, g)
	}
}

func TestProperties(t *testing.T) {
	h := newHost(t, script("prop request.path", "prop request.url_path", "prop source.address", "prop none", "prop xds.route_name", "prop xds.node.id",
		"prop route_name", "prop connection.mtls", "prop connection.subject_peer_certificate", "prop xds.route_metadata.filter_metadata.ns.key",
		"setprop sallyport,app shop", "prop sallyport,app", "prop filter_state.wasm,sallyport,app", "prop response.code", "setprop a.b x", "prop a.b")+
		"\ntick: setprop a b\nconfigure: tick 10",
		hostsim.WithNode(map[string]string{"id": "node-1"}), hostsim.WithProperty("xds.route_metadata.filter_metadata.ns.key", 1.5))
	got := ask(t, h, hostsim.Request{Path: "/a?b", Info: hostsim.StreamInfo{RemoteAddr: "192.0.2.7:5", RouteName: "r"}})
	wantResults(t, got, map[string]string{
		"prop request.path": `0 "/a?b"`, "prop request.url_path": `0 "/a"`, "prop source.address": `0 "192.0.2.7:5"`, "prop none": "1",
		"prop xds.route_name": `0 "r"`, "prop xds.node.id": `0 "node-1"`, "prop route_name": "1", "prop connection.mtls": `0 "\x00"`,
		"prop connection.subject_peer_certificate": "1", "prop xds.route_metadata.filter_metadata.ns.key": `0 "\x00\x00\x00\x00\x00\x00\xf8?"`,
		"prop sallyport,app": `0 "shop"`, "prop filter_state.wasm,sallyport,app": `0 "shop"`, "prop response.code": "1", "setprop a.b x": "0", "prop a.b": "1",
	})
	at := len(h.Log())
	h.Advance(10 * time.Millisecond)
	if got := result(t, h.Log()[at:], "setprop a b"); got != "1" {
		t.Errorf("set_property without a stream: %s, want 1", got)
	}
}

// What Envoy 1.40 lets through of headers that only it may set, and what it sets itself.
func TestForgedEnvoyHeaders(t *testing.T) {
	sent := abi.Headers{
		{Name: "x-envoy-internal", Value: "true"}, {Name: "x-envoy-external-address", Value: "9.9.9.9"}, {Name: "x-envoy-retry-on", Value: "5xx"},
		{Name: "X-Envoy-Upstream-Rq-Timeout-Ms", Value: "1"}, {Name: "x-envoy-original-path", Value: "/forged"},
		{Name: "x-envoy-attempt-count", Value: "7"}, {Name: "x-request-id", Value: "id"},
	}
	for _, tt := range []struct {
		name string
		edge bool
		want string
	}{
		{"default", false, ":authority|example.com|:path|/|:method|GET|:scheme|http|x-envoy-external-address|9.9.9.9|x-envoy-original-path|/forged|" +
			"x-envoy-attempt-count|7|x-request-id|id|x-forwarded-proto|http"},
		{"edge", true, ":authority|example.com|:path|/|:method|GET|:scheme|http|x-envoy-external-address|203.0.113.7|x-envoy-attempt-count|7|" +
			"x-forwarded-for|203.0.113.7|x-forwarded-proto|http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t, script("remove 0 x-request-id", "pairs 0"),
				hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: tt.edge}))
			if !tt.edge {
				h = newHost(t, script("pairs 0"))
			}
			_, e := do(t, h, hostsim.Request{Headers: sent, Info: hostsim.StreamInfo{RemoteAddr: "203.0.113.7:4000"}})
			if got := result(t, e.Log, "pairs 0"); got != "0 "+tt.want {
				t.Errorf("guest sees %s\nwant        0 %s", got, tt.want)
			}
		})
	}
}

// TestSourceAddress has what real Envoys answered, with X-Forwarded-For "9.9.9.9, 203.0.113.7, 198.51.100.2".
func TestSourceAddress(t *testing.T) {
	for _, tt := range []struct {
		name string
		cm   hostsim.ConnectionManager
		xff  string
		want string
	}{
		{"default is the client's choice", hostsim.ConnectionManager{}, "9.9.9.9, 203.0.113.7, 198.51.100.2", "198.51.100.2:0"},
		{"no header", hostsim.ConnectionManager{}, "", "127.0.0.1:40000"},
		{"garbage", hostsim.ConnectionManager{}, "garbage", "127.0.0.1:40000"},
		{"use_remote_address", hostsim.ConnectionManager{UseRemoteAddress: true}, "9.9.9.9, 203.0.113.7, 198.51.100.2", "127.0.0.1:40000"},
		{"use_remote_address, one hop", hostsim.ConnectionManager{UseRemoteAddress: true, XFFTrustedHops: 1}, "9.9.9.9, 203.0.113.7, 198.51.100.2", "198.51.100.2:0"},
		{"one hop", hostsim.ConnectionManager{XFFTrustedHops: 1}, "9.9.9.9, 203.0.113.7, 198.51.100.2", "203.0.113.7:0"},
		{"IPv6", hostsim.ConnectionManager{}, "2001:db8::1", "[2001:db8::1]:0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := hostsim.Request{}
			if tt.xff != "" {
				r.Headers = abi.Headers{{Name: "x-forwarded-for", Value: tt.xff}}
			}
			got := ask(t, newHost(t, script("prop source.address"), hostsim.WithConnectionManager(tt.cm)), r)
			wantResults(t, got, map[string]string{"prop source.address": `0 "` + tt.want + `"`})
		})
	}
}

func TestForeignFunctions(t *testing.T) {
	h := newHost(t, script("foreign none x", "foreign echo hello"), hostsim.WithForeignFunction("echo", func(b []byte) ([]byte, abi.Status) { return b, abi.StatusOK }))
	wantResults(t, ask(t, h, hostsim.Request{}), map[string]string{"foreign none x": "1", "foreign echo hello": `0 "hello"`})
}

func TestBuffersOutsideTheirCallbacks(t *testing.T) {
	got := ask(t, newHost(t, script("body 0 0 9", "body 7 0 9", "body 4 0 9", "body 6 0 9", "body 9 0 9", "setbody 6 0 0 x", "body 6 4294967295 9"), hostsim.WithVMConfig([]byte("vm"))), hostsim.Request{})
	wantResults(t, got, map[string]string{"body 0 0 9": `0 ""`, "body 7 0 9": "1", "body 4 0 9": "1", "body 6 0 9": `0 "vm"`, "body 9 0 9": "2", "setbody 6 0 0 x": "2", "body 6 4294967295 9": `0 ""`})
}

func TestEnvironmentTimeAndOutput(t *testing.T) {
	start := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	h := newHost(t, script("env SECRET", "env HOME", "now", "loglevel", "print to stdout", "log 6 x"), hostsim.WithEnv(map[string]string{"SECRET": "s3"}), hostsim.WithClock(hostsim.NewFakeClock(start)))
	_, e := do(t, h, hostsim.Request{})
	wantResults(t, func(op string) string { return result(t, e.Log, op) },
		map[string]string{"env SECRET": `true "s3"`, "env HOME": `false ""`, "now": "1904281689", "loglevel": "0 2", "log 6 x": "2"})
	if !strings.Contains(said(e.Log), "to stdout\n") {
		t.Error("stdout did not come to the log")
	}
}

func TestSleepByProfile(t *testing.T) {
	for _, profile := range hostsim.Profiles() {
		h := newHost(t, script("sleep 20"), hostsim.WithProfile(profile))
		r, e := do(t, h, hostsim.Request{})
		want := 200
		if profile < "1.39" {
			want = 503 // poll_oneoff is ENOSYS, and the Go runtime gives up
		}
		wantStatus(t, r, want)
		if want == 200 && e.Elapsed < 20*time.Millisecond {
			t.Errorf("%s: slept %v", profile, e.Elapsed)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	r, _ := do(t, newHost(t, script("alloc 1100")), hostsim.Request{})
	wantStatus(t, r, 503)
}

func TestUnknownProfile(t *testing.T) {
	_, err := scriptedModule(t).New(t.Context(), hostsim.WithProfile("1.5"))
	if err == nil || !strings.Contains(err.Error(), `"1.5"`) {
		t.Errorf("error %v", err)
	}
}

func TestLoadErrors(t *testing.T) {
	const (
		header  = "\x00asm\x01\x00\x00\x00"
		types   = "\x01\x04\x01\x60\x00\x00"         // type 0: () -> ()
		funcs   = "\x03\x02\x01\x00"                 // one function of type 0
		code    = "\x0a\x04\x01\x02\x00\x0b"         // that does nothing
		memory  = "\x05\x03\x01\x00\x01"             // one page
		i32Type = "\x01\x06\x01\x60\x01\x7f\x01\x7f" // type 0: (i32) -> i32
	)
	export := func(name string) string {
		return "\x07" + string(rune(1+1+len(name)+2)) + "\x01" + string(rune(len(name))) + name + "\x00\x00"
	}
	imports := func(module, name string) string {
		return "\x02" + string(rune(1+1+len(module)+1+len(name)+2)) + "\x01" + string(rune(len(module))) + module + string(rune(len(name))) + name + "\x00\x00"
	}
	for _, tt := range []struct{ name, wasm, want string }{
		{"not wasm", "hello, world", "Failed to parse corrupted Wasm module"},
		{"truncated", header + types[:4], "Failed to parse corrupted Wasm module"},
		{"no marker", header + types + funcs + memory + code, "Missing or unknown Proxy-Wasm ABI version"},
		{"marker of the future", header + types + funcs + memory + export("proxy_abi_version_0_3_0") + code, "Missing or unknown Proxy-Wasm ABI version"},
		{"unknown import", header + types + imports("env", "proxy_teleport") + export("proxy_abi_version_0_2_1"), "missing import: env.proxy_teleport"},
		{"import of another signature", header + i32Type + imports("env", "proxy_log") + export("proxy_abi_version_0_2_1"), "import type mismatch: env.proxy_log, want: i32 -> i32, but host exports: i32 i32 i32 -> i32"},
		{"import of another ABI version", header + types + imports("env", "proxy_continue_request") + export("proxy_abi_version_0_2_1"), "belongs to a different ABI version"},
		{"import of a later Envoy", header + types + imports("wasi_snapshot_preview1", "path_filestat_get") + export("proxy_abi_version_0_2_1"), "Envoy 1.38 lacks it; Envoy 1.39 and later have it"},
		{"no allocator", header + types + funcs + memory + export("proxy_abi_version_0_2_1") + code, "missing malloc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := hostsim.New(t.Context(), []byte(tt.wasm), hostsim.WithProfile("1.38"))
			if err == nil {
				_ = h.Close(t.Context())
			}
			var load *hostsim.LoadError
			if !errors.As(err, &load) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestTraceShowsLengthsNotValues(t *testing.T) {
	h := newHost(t, script("set 0 x-token sesame", "sdset k 0 sesame", "get 0 x-key"), hostsim.WithTrace())
	_, e := do(t, h, hostsim.Request{Headers: abi.Headers{{Name: "authorization", Value: "sesame"}, {Name: "x-key", Value: "12345"}}})
	var text []string
	for _, entry := range e.Trace {
		text = append(text, entry.String())
	}
	got := strings.Join(text, "\n")
	if strings.Contains(got, "sesame") {
		t.Errorf("the trace has a value:\n%s", got)
	}
	for _, want := range []string{"[host->vm] proxy_on_request_headers(2, 8, 1) = 0", `[vm->host] proxy_replace_header_map_value(request headers, "x-token", 6 bytes) = Ok`,
		`[vm->host] proxy_get_header_map_value(request headers, "x-key") = Ok, 5 bytes`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if e.Hostcalls == 0 || e.AllHostcalls < e.Hostcalls {
		t.Errorf("hostcalls %d of %d", e.Hostcalls, e.AllHostcalls)
	}
}

// TestGivenPropertyWithTrailingNUL: the C++ SDK ends each path with a NUL, and what a test gives answers it all the same.
func TestGivenPropertyWithTrailingNUL(t *testing.T) {
	h := newHost(t, script("prop source.client_region", "prop source.client_region.", "prop request.path.", "prop own.", "prop source.client_region..", "prop source.client_region.x"),
		hostsim.WithProperty("source.client_region", "US"), hostsim.WithProperty("request.path", "/given"))
	_, x := do(t, h, hostsim.Request{Info: hostsim.StreamInfo{Properties: map[string]any{"own": "mine"}}})
	for op, want := range map[string]string{
		"prop source.client_region": `0 "US"`, "prop source.client_region.": `0 "US"`, "prop request.path.": `0 "/given"`, "prop own.": `0 "mine"`,
		"prop source.client_region..": "1", "prop source.client_region.x": "1",
	} {
		if got := result(t, x.Log, op); got != want {
			t.Errorf("%s: %s, want %s", op, got, want)
		}
	}
}
