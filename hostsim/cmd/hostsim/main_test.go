package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/forge"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hostsim": main, "curl": curl})
}

func TestScripts(t *testing.T) {
	p := params(t)
	p.Dir = "testdata"
	testscript.Run(t, p)
}

// params gives scripts the commands and variables that the ones in testdata use:
//
//	exits CODE PROGRAM ARGS   runs it and wants that exit code
//	forge FILE NAME           writes a module of package forge, or one of behaviours
//	backend                   starts a server that answers 200 "backend"; its address is $BACKEND
//	await ADDRESS             waits until something listens there
//	$HELLO $TOY               the modules of quickstart and of scenario/hostdriver
//	$PORT                     a free port
func params(t *testing.T) testscript.Params {
	t.Helper()
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	hello := wasmbuild.Package(t, "./hostsim/cmd/hostsim/quickstart")
	toy := wasmbuild.Package(t, "./hostsim/scenario/hostdriver/testdata/guest")
	return testscript.Params{
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "forge": forgeModule, "backend": backend, "await": await,
		},
		Condition: func(cond string) (bool, error) {
			if cond != "envoy" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			_, err := envoyrun.Find()
			return err == nil || os.Getenv("CI") == "true", nil
		},
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "HELLO="+hello, "TOY="+toy, "ROOT="+root, "PORT="+freePort(t),
				"XDG_CACHE_HOME="+filepath.Join(root, "build", "cache"),
				"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOFLAGS=-mod=mod", "GOTOOLCHAIN=local",
				"GOPROXY="+refusingProxy(t), "GOSUMDB=off", "SALLYPORT="+root) // what is needed is in the module cache: this module needs it too
			if envoy, err := envoyrun.Find(); err == nil {
				e.Vars = append(e.Vars, "ENVOY="+envoy)
			}
			return nil
		},
	}
}

// refusingProxy is a company's module proxy, which knows nothing of this module and says 403 where others say 404: no
// command that a reader types may ask it for this module.
func refusingProxy(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(s.Close)
	return s.URL
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d\n%s%s", got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// behaviours are guests whose on_request_headers does one thing.
var behaviours = map[string][]byte{
	"loops":   acting(forge.Loop...),
	"traps":   acting(forge.Trap...),
	"pauses":  acting(0x41, 1),
	"escapes": forge.New().Import("env", "\x1b[2J\nproxy_log\x00", "", "").Memory().ABI("0_2_1").Export("malloc", "i", "i").Bytes(),
	"starts_forever": forge.Guest("0_2_1").Body("_initialize", "", "", forge.Loop...).
		Export("proxy_on_request_headers", "iii", "i").Bytes(),
}

func acting(code ...byte) []byte {
	return forge.Guest("0_2_1").Export("proxy_on_context_create", "ii", "").Body("proxy_on_request_headers", "iii", "i", code...).Bytes()
}

func forgeModule(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: forge FILE NAME")
	}
	wasm, ok := behaviours[args[1]]
	for _, s := range forge.Specimens() {
		if s.Name == args[1] {
			wasm, ok = s.Wasm, true
		}
	}
	if !ok {
		ts.Fatalf("no module %q", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), wasm, 0o644))
}

func backend(ts *testscript.TestScript, _ bool, _ []string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "backend\n") }))
	ts.Defer(s.Close)
	ts.Setenv("BACKEND", s.Listener.Addr().String())
}

// await looks again and again: the other process has no way to say that it is ready but to listen.
func await(ts *testscript.TestScript, _ bool, args []string) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); <-ticker.C {
		if conn, err := net.DialTimeout("tcp", args[0], time.Second); err == nil {
			ts.Check(conn.Close())
			return
		}
	}
	ts.Fatalf("nothing listens on %s", args[0])
}

// curl is as much of the real one as README.md needs: curl [-i] [-H 'name: value'] URL.
func curl() {
	request, err := http.NewRequest(http.MethodGet, os.Args[len(os.Args)-1], nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	withHead := false
	for i, arg := range os.Args {
		switch arg {
		case "-i":
			withHead = true
		case "-H":
			name, value, _ := strings.Cut(os.Args[i+1], ":")
			request.Header.Set(name, strings.TrimSpace(value))
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(7)
	}
	defer response.Body.Close()
	if withHead {
		fmt.Printf("%s %s\n", response.Proto, response.Status)
		_ = response.Header.Write(os.Stdout)
		fmt.Println()
	}
	_, _ = io.Copy(os.Stdout, response.Body)
}
