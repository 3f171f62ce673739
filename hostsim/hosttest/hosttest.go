// Package hosttest makes tests of a filter short: each function ends the test, or fails it, with what it saw.
package hosttest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// New starts a plugin of the module, and closes it with the test.
func New(t testing.TB, m *hostsim.Module, options ...hostsim.Option) *hostsim.Host {
	t.Helper()
	h, err := m.New(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Errorf("close the host: %v", err)
		}
	})
	return h
}

// Do plays a request to its end.
func Do(t testing.TB, h *hostsim.Host, r hostsim.Request) (hostsim.Response, hostsim.Exchange) {
	t.Helper()
	response, exchange, err := h.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return response, exchange
}

// Tick lets the plugin's tick come now; a plugin that asked for none ends the test.
func Tick(t testing.TB, h *hostsim.Host) {
	t.Helper()
	if h.Tick() == 0 {
		t.Fatal("the plugin has asked for no ticks")
	}
}

// WantCalls holds the calls that the plugin made in an exchange against lines "CLUSTER METHOD PATH", in order. Without
// lines it wants no call.
func WantCalls(t testing.TB, e hostsim.Exchange, want ...string) {
	t.Helper()
	var got []string
	for _, c := range e.Calls {
		method, _ := c.Headers.Get(":method")
		path, _ := c.Headers.Get(":path")
		got = append(got, c.Cluster+" "+method+" "+path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// UpdateVariable is the environment variable with which Golden writes its files.
const UpdateVariable = "HOSTSIM_UPDATE"

// Golden holds an exchange against a file: what the client got, what the backend read, the calls with their bodies, and
// the log, as Text writes them. With HOSTSIM_UPDATE=1 it writes the file.
func Golden(t testing.TB, file string, r hostsim.Response, e hostsim.Exchange) {
	t.Helper()
	got := Text(r, e)
	if os.Getenv(UpdateVariable) != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(got), 0o600)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s is not there: %s=1 go test writes it", file, UpdateVariable)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; %s=1 go test writes it again):\n%s", file, UpdateVariable, diff)
	}
}

// Text is an exchange for people: nothing in it differs from run to run on a fake clock, but the id of the request.
func Text(r hostsim.Response, e hostsim.Exchange) string {
	var b strings.Builder
	fmt.Fprintf(&b, "response %d\n", r.Status)
	message(&b, r.Headers, r.Body, r.Trailers)
	if r.Reset {
		b.WriteString("reset\n")
	}
	if e.Details != "" {
		fmt.Fprintf(&b, "details %s\n", e.Details)
	}
	if e.Upstream != nil {
		b.WriteString("\nbackend\n")
		message(&b, e.Upstream.Headers, e.Upstream.Body, e.Upstream.Trailers)
	}
	for _, c := range e.Calls {
		fmt.Fprintf(&b, "\ncall %s\n", c.Cluster)
		message(&b, c.Headers, c.Body, c.Trailers)
	}
	if len(e.Log) > 0 {
		b.WriteString("\nlog\n")
	}
	for _, l := range e.Log {
		fmt.Fprintf(&b, "%s: %s\n", l.Level, l.Message)
	}
	return b.String()
}

func message(b *strings.Builder, headers hostsim.Headers, body []byte, trailers hostsim.Headers) {
	for _, h := range headers {
		if h.Name == "x-request-id" {
			h.Value = "ID"
		}
		fmt.Fprintf(b, "%s: %s\n", h.Name, h.Value)
	}
	if len(body) > 0 {
		fmt.Fprintf(b, "%q\n", body)
	}
	for _, h := range trailers {
		fmt.Fprintf(b, "+%s: %s\n", h.Name, h.Value)
	}
}
