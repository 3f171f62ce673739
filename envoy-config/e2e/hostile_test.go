package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// hostileConfig has one API that wants a key, one that is open, and an open host. What an attacker without a key wants is
// a request that the filter takes for an open one and the backend for the other.
const hostileConfig = `
version: 1
apis:
- {name: private, version: v1, hosts: [api.example.com], base_path: /private}
- {name: public, version: v1, hosts: [api.example.com], base_path: /public, sequence: []}
- {name: open-host, version: v1, hosts: [open.example.com], base_path: /, sequence: []}
sequence: [{verify_api_key: {from: [{header: x-api-key}]}}]
`

// served is what a hostile case may come to beside a status.
const (
	served = "served" // by the backend, as the open API that it is
	closed = "closed" // without an answer
	silent = "silent" // neither: Envoy waits for more
)

// hostileCase is one request without a key. On the shipped connection manager and on a bare one, it comes to want and
// bare: a status of Envoy or the filter, or one of the above.
type hostileCase struct {
	name, raw  string
	want, bare string
}

// get1 is an HTTP/1.1 request for a target of the API's host.
func get1(target string, headers ...string) string {
	return "GET " + target + " HTTP/1.1\r\nhost: api.example.com\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
}

// post1 is a request of the open API with a body, and headers that say how long it is.
func post1(body string, headers ...string) string {
	return "POST /public/x HTTP/1.1\r\nhost: api.example.com\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n" + body
}

// inner is a request that wants to be taken for the body of another one by the gateway, and for itself by the backend.
const inner = "GET /private/secret HTTP/1.1\r\nhost: api.example.com\r\nx-inner: 1\r\n\r\n"

// TestHostile sends the requests of every list, and looks at what the backend got: nothing that any server could take for
// the API that wants a key.
func TestHostile(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Shared: true})
	config, err := yaml.YAMLToJSON([]byte(hostileConfig))
	if err != nil {
		t.Fatal(err)
	}
	s.serve(plan{name: "gwshipped", vm: "hostile", config: config, change: shippedManager})
	s.serve(plan{name: "gwbare", vm: "hostile", config: config, change: bareManager})
	cases := append(hostilePaths(), hostileMessages()...)
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("two cases are named %q", c.name)
		}
		names[c.name] = true
		for listener, want := range map[string]string{"gwshipped": c.want, "gwbare": c.bare} {
			t.Run(strings.TrimPrefix(listener, "gw")+"/"+c.name, func(t *testing.T) { s.on(t).hostile(listener, c.raw, want) })
		}
	}
	t.Run("HTTP2", func(t *testing.T) { hostileHTTP2(t, s) })
	t.Logf("%d cases over HTTP/1, each on two connection managers, and %d over HTTP/2; none got by", len(cases), len(http2Cases))
}

// bareManager closes broken connections at once, where Envoy waits a second for clients that are slow to read why.
func bareManager(_, manager, _ map[string]any) { manager["delayed_close_timeout"] = "0.01s" }

// shippedManager puts back what the scenarios' listeners leave out.
func shippedManager(listener, manager, plugin map[string]any) {
	bareManager(listener, manager, plugin)
	manager["normalize_path"], manager["merge_slashes"] = true, true
	manager["path_with_escaped_slashes_action"] = "REJECT_REQUEST"
	manager["strip_any_host_port"], manager["strip_trailing_host_dot"] = true, true
	options, _ := manager["common_http_protocol_options"].(map[string]any)
	options["headers_with_underscores_action"] = "REJECT_REQUEST"
}

// hostile sends bytes and holds the outcome against want.
func (s *site) hostile(listener, raw, want string) {
	s.t.Helper()
	address, err := s.envoy.Listener(s.t.Context(), listener)
	if err != nil {
		s.t.Fatal(err)
	}
	got := firstAnswer(s.t, address, raw)
	s.until("nothing is under way", func(now envoyrun.Stats) bool {
		for name, value := range now.Number {
			if strings.HasSuffix(name, "_rq_active") && value > 0 {
				return false
			}
		}
		return true // the backend records a request before it answers, and Envoy knows of what was reset
	})
	seen := s.backend.Take()
	for _, r := range seen {
		if bypasses(r) {
			s.t.Errorf("the backend got %s %q for host %q", r.Method, r.Target, scenario.HeaderValue(r.Headers, "host"))
		}
		if got == "200" {
			got = served
		}
	}
	if got != want {
		s.t.Errorf("came to %s (the backend saw %d requests), want %s", got, len(seen), want)
	}
}

// silence is how long a request whose end Envoy still waits for is waited for.
const silence = 2 * time.Second

// firstAnswer gives the status of the first answer to some bytes, and closes the connection.
func firstAnswer(t *testing.T, address, raw string) string {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(silence))
	_, _ = io.WriteString(conn, raw) // Envoy may have answered and closed in the middle of it
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return silent
	case err != nil:
		return closed
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return fmt.Sprint(response.StatusCode)
}

// bypasses reports whether any server could take the request for one of the API that wants a key: it decodes once or
// not, cuts parameters off or not, takes a backslash for a slash or not, and minds the case or not.
func bypasses(r scenario.Request) bool {
	if host := scenario.HeaderValue(r.Headers, "host"); !strings.EqualFold(strings.TrimSuffix(strings.Split(host, ":")[0], "."), "api.example.com") {
		return false
	}
	target := r.Target
	if u, err := url.Parse(target); err == nil && u.IsAbs() {
		target = u.RequestURI()
	}
	raw, _, _ := strings.Cut(target, "?")
	raw, _, _ = strings.Cut(raw, "#")
	readings := []string{raw}
	for _, read := range []func(string) string{unescaped, withoutParameters, forwardSlashes, strings.ToLower, path.Clean} {
		for _, so := range readings {
			readings = append(readings, read(so))
		}
	}
	for _, so := range readings {
		if so == "/private" || strings.HasPrefix(so, "/private/") {
			return true
		}
	}
	return false
}

func unescaped(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func withoutParameters(s string) string {
	levels := strings.Split(s, "/")
	for i := range levels {
		levels[i], _, _ = strings.Cut(levels[i], ";")
	}
	return strings.Join(levels, "/")
}

func forwardSlashes(s string) string { return strings.ReplaceAll(s, `\`, "/") }

// TestHostileOracle: a check that finds nothing must be able to find something.
func TestHostileOracle(t *testing.T) {
	request := func(host, target string) scenario.Request {
		return scenario.Request{Target: target, Headers: []scenario.Header{{Name: "Host", Value: host}}}
	}
	for _, target := range []string{
		"/private", "/private/x", "/PRIVATE/x", "/public/../private/x", "/public/..;/private/x", "/public/%2e%2e/private", "/public%2f..%2fprivate/x",
		`/public\..\private\x`, "//private/x", "/./private", "/private;v=1/x", "/%70rivate/x", "http://api.example.com/private/x", "/private?x",
	} {
		if !bypasses(request("api.example.com:443", target)) {
			t.Errorf("%s is not seen as a bypass", target)
		}
	}
	for _, target := range []string{"/public/x", "/public/private", "/privatex", "/public?/private/x", "/public/x;/private"} {
		if bypasses(request("api.example.com", target)) {
			t.Errorf("%s is seen as a bypass", target)
		}
	}
	if bypasses(request("open.example.com", "/private/x")) {
		t.Error("another host's path is seen as a bypass")
	}
}
