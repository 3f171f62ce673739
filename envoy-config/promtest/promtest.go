// Package promtest runs a real Prometheus for tests: on loopback, with its data in a folder of the test.
package promtest

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// install is how to get what is missing.
const install = "apt-get install -y --no-install-recommends prometheus"

// startTimeout bounds how long Prometheus takes to read its data and to listen.
const startTimeout = 30 * time.Second

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// tool returns the path of a program of Debian's package prometheus. Where CI=true a missing one fails the test;
// elsewhere the test is skipped with the command that installs it.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("%v: %s", err, install)
	default:
		t.Skipf("%v: %s", err, install)
	}
	return ""
}

// Need fails or skips the test where Prometheus is missing.
func Need(t testing.TB) {
	t.Helper()
	tool(t, "prometheus")
	tool(t, "promtool")
}

// Start runs Prometheus until the test ends, with what is already in the folder data, and returns its URL.
func Start(t testing.TB, config []byte, data string) (url string) {
	t.Helper()
	binary := tool(t, "prometheus")
	file := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--config.file="+file, "--storage.tsdb.path="+data, "--web.listen-address=127.0.0.1:0", //nolint:noctx // the cleanup ends it
		"--storage.tsdb.retention.time=400d")
	cmd.SysProcAttr = envoyrun.DieWithParent()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	started := make(chan error, 1)
	var log strings.Builder // read after ended
	go func() {
		defer close(ended)
		runtime.LockOSThread() // the parent-death signal is the thread's: golang/go#27505
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			log.WriteString(lines.Text() + "\n")
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
		_, _ = io.Copy(io.Discard, stderr)
		_ = cmd.Wait()
	}()
	if err := <-started; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(startTimeout):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Log("prometheus's log:\n" + log.String())
		}
	})
	select {
	case a := <-address:
		url = "http://" + a
	case <-ended:
		t.Fatal("prometheus ended:\n" + log.String())
	case <-time.After(startTimeout):
		t.Fatal("prometheus does not listen")
	}
	waitReady(t, url)
	return url
}

// waitReady waits until queries are answered, which does not happen while the data is being read.
func waitReady(t testing.TB, url string) {
	t.Helper()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(url + "/-/ready") //nolint:noctx // a loopback address of our own
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatal("prometheus does not become ready")
}

// Backfill writes samples of the past, in OpenMetrics text, into a data folder in which no Prometheus runs.
func Backfill(t testing.TB, data string, openMetrics []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "history.txt")
	if err := os.WriteFile(file, openMetrics, 0o600); err != nil {
		t.Fatal(err)
	}
	Promtool(t, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h", "--quiet", file, data)
}

// Promtool runs promtool, which must succeed.
func Promtool(t testing.TB, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tool(t, "promtool"), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
