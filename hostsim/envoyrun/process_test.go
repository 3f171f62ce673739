package envoyrun_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
)

// hello answers every request, on a port that the kernel chooses, and logs each to the standard output.
const hello = `
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}
static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          access_log:
          - name: out
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: /dev/stdout
              log_format: {text_format_source: {inline_string: "%REQ(:PATH)% %ENVIRONMENT(GREETING)%\n"}}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
`

func TestProcess(t *testing.T) {
	// Not inherited: what the bootstrap reads is what Options give.
	t.Setenv("GREETING", "inherited")
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	p := envoytest.Start(t, envoyrun.Options{Config: []byte(hello), Env: []string{"GREETING=given"}})

	address, err := p.Listener(t.Context(), "front")
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(address, ":0") {
		t.Fatalf("listener's address is %s, want the bound port", address)
	}
	if _, err := p.Listener(t.Context(), "back"); err == nil {
		t.Error("a listener that does not exist was found")
	}
	resp, err := http.Get("http://" + address + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "hello" {
		t.Errorf("body is %q, %v", body, err)
	}

	line, err := p.Output().Wait(t.Context(), 0, func(envoyrun.Line) bool { return true })
	if err != nil || line.Text != "/x given" {
		t.Errorf("access log line is %q, %v, want %q", line.Text, err, "/x given")
	}
	stats, err := p.Stats(t.Context(), `^http\.front\.downstream_rq_total$|^listener_manager\.`)
	if err != nil {
		t.Fatal(err)
	}
	if got := stats.Number["http.front.downstream_rq_total"]; got != 1 {
		t.Errorf("downstream_rq_total is %d, want 1", got)
	}
	families, err := p.Prometheus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f := families["envoy_http_downstream_rq_total"]; f == nil {
		t.Error("envoy_http_downstream_rq_total is not in /stats/prometheus")
	}
	if _, err := p.Get(t.Context(), "/no-such-page"); err == nil {
		t.Error("a page that does not exist was read")
	}
	wantStop(t, p)
	if err := p.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("the process left %v behind, %v", left, err)
	}
}

func wantStop(t *testing.T, p *envoyrun.Process) {
	t.Helper()
	pid := p.PID()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d after Stop: %v, want it gone", pid, err)
	}
}

func TestBadConfig(t *testing.T) {
	options := envoyrun.Options{Binary: envoytest.Find(t), Config: []byte("static_resources: {listenrs: []}")}
	check := func(t *testing.T, err error) {
		t.Helper()
		var exit *envoyrun.ExitError
		if !errors.As(err, &exit) || !strings.Contains(err.Error(), "listenrs") {
			t.Errorf("got %v, want an *envoyrun.ExitError with Envoy's words on listenrs", err)
		}
	}
	t.Run("start", func(t *testing.T) {
		p, err := envoyrun.Start(t.Context(), options)
		if p != nil {
			t.Error("a process was answered")
		}
		check(t, err)
	})
	t.Run("validate", func(t *testing.T) {
		_, err := envoyrun.Validate(t.Context(), options)
		check(t, err)
	})
	t.Run("none and two", func(t *testing.T) {
		for _, o := range []envoyrun.Options{{Binary: options.Binary}, {Binary: options.Binary, Config: []byte(hello), ConfigFile: "x"}} {
			if _, err := envoyrun.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "exactly one") {
				t.Errorf("got %v, want a refusal", err)
			}
		}
	})
}

func TestValidate(t *testing.T) {
	lines, err := envoyrun.Validate(t.Context(), envoyrun.Options{Binary: envoytest.Find(t), Config: []byte(hello)})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) == 0 {
		t.Error("Envoy's words are missing")
	}
}

func TestProcessThatDiesEndsThePoll(t *testing.T) {
	p := envoytest.Start(t, envoyrun.Options{Config: []byte(hello)})
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err := p.Poll(t.Context(), func() (bool, error) { return false, nil })
	var exit *envoyrun.ExitError
	if !errors.As(err, &exit) {
		t.Errorf("got %v, want an *envoyrun.ExitError", err)
	}
}
