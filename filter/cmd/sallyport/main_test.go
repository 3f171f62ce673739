package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apikey"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"sallyport": main}) }

// TestCommand plays every command: good, wrong and hostile use.
func TestCommand(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "knows": knows,
		},
		Setup:               func(env *testscript.Env) error { env.Setenv("METRICS", metrics(env)); return nil },
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// metrics serves an Envoy's statistics, a Prometheus's answer to the query for keys, and something hostile.
func metrics(env *testscript.Env) (url string) {
	mux := http.NewServeMux()
	for path, text := range map[string]string{
		"/stats/prometheus": "# TYPE sallyport_usage counter\n" +
			`sallyport_usage{decision="allow",app="portal",product="gold",api="customers",version="v1",class="2xx"} 7` + "\n" +
			`sallyport_usage{decision="allow",app="portal",product="gold",api="customers",version="v1",class="5xx"} 1` + "\n" +
			`sallyport_usage{decision="deny",reason="token.inactive",app="portal",product="gold",api="customers",version="v1",class="4xx"} 2` + "\n" +
			`sallyport_usage{decision="deny",reason="api_key.missing",api="customers",version="v2",class="4xx"} 4` + "\n" +
			"# TYPE sallyport_key_last_used_seconds gauge\n" +
			`sallyport_key_last_used_seconds{key="k-old"} 1795521600` + "\n",
		"/api/v1/query":             `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"key":"k%2Dold"},"value":[1795521700,"1795521660"]}]}}`,
		"/hostile/stats/prometheus": "# TYPE sallyport_usage counter\n" + `sallyport_usage{decision="allow",app="a%1B[31m%0Ab",api="x",version="v1"} 1` + "\n",
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
	}
	server := httptest.NewServer(mux)
	env.Defer(server.Close)
	return server.URL
}

// exits CODE PROGRAM ARGS... runs a program and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// knows FILE CONFIG wants the key in FILE to be in CONFIG by its hash, and by nothing else.
func knows(ts *testscript.TestScript, neg bool, args []string) {
	key := strings.TrimSpace(ts.ReadFile(args[0]))
	config := ts.ReadFile(args[1])
	if err := apikey.Check(key); err != nil {
		ts.Fatalf("%s holds no key: %v", args[0], err)
	}
	if strings.Contains(config, apikey.SHA256(key)) == neg {
		ts.Fatalf("%s has the key's hash: %v", args[1], !neg)
	}
	if strings.Contains(config, key) || strings.Contains(config, key[len(apikey.Prefix):]) {
		ts.Fatalf("%s has the key itself", args[1])
	}
}

const (
	kills     = 40
	smallFile = `# kept
version: 1
apis: [{name: a, version: v1, base_path: /a, sequence: []}]
apps:
- name: x # kept too
  developer: d@example.com
  products: []
  keys: []
`
)

// TestCommandKilledWhileWriting kills keys mint again and again, at any moment. The file is whole each time, and has every
// key that was printed.
func TestCommandKilledWhileWriting(t *testing.T) {
	binary := build(t)
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(file, []byte(smallFile), 0o600); err != nil {
		t.Fatal(err)
	}
	var printed []string
	whole := 0
	for i := range kills {
		ctx, cancel := context.WithCancel(t.Context())
		var out bytes.Buffer
		c := exec.CommandContext(ctx, binary, "keys", "mint", "--app", "x", "--file", file)
		c.Stdout = &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// The whole run takes some milliseconds: the kill comes before, within and after the writing.
		time.AfterFunc(time.Duration(rand.Int64N(int64(30*time.Millisecond))), cancel)
		if c.Wait() == nil {
			whole++
		}
		cancel()
		if key := strings.TrimSpace(out.String()); key != "" {
			printed = append(printed, key)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := document.Parse(text)
		if err != nil {
			t.Fatalf("after kill %d the file is torn: %v\n%s", i, err, text)
		}
		if !strings.Contains(string(text), "# kept too") || len(document.Items(document.Member(d.Root(), "apps"))) != 1 {
			t.Fatalf("after kill %d the file has lost something:\n%s", i, text)
		}
		for _, key := range printed {
			if !strings.Contains(string(text), apikey.SHA256(key)) {
				t.Fatalf("a key that was printed is not in the file")
			}
		}
	}
	t.Logf("%d runs, %d of them to the end, %d keys printed and all in the file", kills, whole, len(printed))
	if err := exec.CommandContext(t.Context(), binary, "keys", "mint", "--app", "x", "--file", file).Run(); err != nil {
		t.Errorf("a lock outlived its holder: %v", err)
	}
}

// TestCommandTwoWriters lets several commands change one file at once: none is lost.
func TestCommandTwoWriters(t *testing.T) {
	binary := build(t)
	file := filepath.Join(t.TempDir(), "sallyport.yaml")
	if err := os.WriteFile(file, []byte(smallFile), 0o600); err != nil {
		t.Fatal(err)
	}
	const writers = 8
	failed := make(chan error, writers)
	for range writers {
		go func() {
			out, err := exec.CommandContext(t.Context(), binary, "keys", "mint", "--app", "x", "--file", file).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			failed <- err
		}()
	}
	for range writers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	d, err := document.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	app := document.Items(document.Member(d.Root(), "apps"))[0]
	if n := len(document.Items(document.Member(app, "keys"))); n != writers {
		t.Errorf("%d keys, want %d", n, writers)
	}
	if _, err := os.Stat(file + ".lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lock is left behind: %v", err)
	}
}

func build(t testing.TB) string {
	t.Helper()
	root, err := wasmbuild.Root()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(t.TempDir(), "sallyport")
	c := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./filter/cmd/sallyport")
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// BenchmarkLargeCatalogCheck checks a configuration of 10,000 apps with two keys each.
func BenchmarkLargeCatalogCheck(b *testing.B) {
	file := filepath.Join(b.TempDir(), "large.yaml")
	if err := os.WriteFile(file, largeCatalog(10_000, 2), 0o600); err != nil {
		b.Fatal(err)
	}
	binary := build(b)
	for b.Loop() {
		if out, err := exec.CommandContext(b.Context(), binary, "check", file).CombinedOutput(); err != nil {
			b.Fatalf("%v: %.2000s", err, out)
		}
	}
}

func largeCatalog(apps, keys int) []byte {
	var b bytes.Buffer
	b.WriteString("version: 1\napis: [{name: a, version: v1, base_path: /a}]\nsequence: [{spike_arrest: {rate: 1ps}}, {verify_api_key: {from: [{header: x-api-key}]}}, {remove_api_key: {}}]\nproducts: [{name: p}]\napps:\n")
	for i := range apps {
		fmt.Fprintf(&b, "- name: app-%d\n  developer: team-%d@example.com\n  products: [p]\n  keys:\n", i, i)
		for j := range keys {
			fmt.Fprintf(&b, "  - {id: k-%d-%d, sha256: %q}\n", i, j, apikey.SHA256(fmt.Sprintf("key %d %d", i, j)))
		}
	}
	return b.Bytes()
}
