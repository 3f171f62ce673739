package hostsim_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if scripted.module != nil {
		_ = scripted.module.Close(context.Background())
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}

var scripted struct {
	once   sync.Once
	module *hostsim.Module
	err    error
}

// scriptedModule is the guest of testdata/guests/scripted, compiled once.
func scriptedModule(t testing.TB) *hostsim.Module {
	t.Helper()
	path := wasmbuild.Package(t, "./hostsim/testdata/guests/scripted")
	scripted.once.Do(func() {
		scripted.module, scripted.err = hostsim.CompileFile(context.Background(), path,
			hostsim.CompileOptions{CacheDir: filepath.Join(filepath.Dir(path), "wazero")})
	})
	if scripted.err != nil {
		t.Fatal(scripted.err)
	}
	return scripted.module
}

// newHost starts the scripted guest with a script, and ends it with the test.
func newHost(t testing.TB, script string, opts ...hostsim.Option) *hostsim.Host {
	t.Helper()
	opts = append([]hostsim.Option{hostsim.WithConfig([]byte(script))}, opts...)
	h, err := scriptedModule(t).New(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Process().Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// do plays one exchange.
func do(t testing.TB, h *hostsim.Host, r hostsim.Request) (hostsim.Response, hostsim.Exchange) {
	t.Helper()
	response, exchange, err := h.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return response, exchange
}

// said is what the guest logged, one line a line.
func said(lines []hostsim.LogLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.Message + "\n")
	}
	return b.String()
}

// wantSaid checks that the guest logged just these lines.
func wantSaid(t testing.TB, got []hostsim.LogLine, want ...string) {
	t.Helper()
	if g, w := said(got), strings.Join(want, "\n")+"\n"; g != w && (g != "" || len(want) > 0) {
		t.Errorf("guest logged:\n%s\nwant:\n%s", g, w)
	}
}

// result finds the result of an operation, "OP -> RESULT", in a log.
func result(t testing.TB, lines []hostsim.LogLine, op string) string {
	t.Helper()
	for _, l := range lines {
		if _, r, ok := strings.Cut(l.Message, ": "+op+" -> "); ok {
			return r
		}
	}
	t.Errorf("operation %q did not run; log:\n%s", op, said(lines))
	return ""
}

func wantStatus(t testing.TB, r hostsim.Response, status int) {
	t.Helper()
	if r.Status != status {
		t.Errorf("client got status %d (reset %v, body %q), want %d", r.Status, r.Reset, r.Body, status)
	}
}

func wantUpstream(t testing.TB, e hostsim.Exchange, reached bool) {
	t.Helper()
	if (e.Upstream != nil) != reached {
		t.Errorf("backend reached: %v, want %v", e.Upstream != nil, reached)
	}
}
