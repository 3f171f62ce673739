package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/okta"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// walk is a person's folder and the commands that they give.
type walk struct {
	t        *testing.T
	dir      string
	commands int
}

// command runs one and answers what it prints.
func (w *walk) command(name string, args ...string) string {
	w.t.Helper()
	w.commands++
	c := exec.CommandContext(w.t.Context(), name, args...)
	c.Dir = w.dir
	var problems strings.Builder
	c.Stderr = &problems
	out, err := c.Output()
	w.t.Logf("$ %s %s", filepath.Base(name), strings.Join(args, " "))
	if err != nil {
		w.t.Fatalf("%v: %s", err, problems.String())
	}
	return string(out)
}

// TestInitWalk is what a new user does in an empty folder who has an identity server, a backend and the released module:
// five commands to the first admitted and the first refused call, through a real Envoy.
func TestInitWalk(t *testing.T) {
	envoy, sallyport := envoytest.Find(t), build(t)
	module := wasmbuild.Package(t, "./filter")
	w := &walk{t: t, dir: t.TempDir()}
	began := time.Now()

	identity := httptest.NewUnstartedServer(nil)
	issuer := "http://" + identity.Listener.Addr().String() + "/oauth2/default"
	org, err := okta.New(okta.Config{Issuer: issuer, Scopes: []string{"customers.read"}, Clients: []okta.Client{
		{ID: "gateway", Secret: "a secret of the test"}, {ID: "portal", Secret: "another", ClientCredentials: true, Scopes: []string{"customers.read"}}}})
	if err != nil {
		t.Fatal(err)
	}
	identity.Config.Handler = org.Handler()
	identity.Start()
	t.Cleanup(identity.Close)
	token, err := org.IssueToken(okta.TokenRequest{ClientID: "portal", Scopes: []string{"customers.read"}})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan http.Header, 4)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		_, _ = w.Write([]byte("from the backend"))
	}))
	t.Cleanup(backend.Close)
	gateway, admin := freeAddress(t), freeAddress(t)

	key := strings.TrimSpace(w.command(sallyport, "init", "--api", "customers", "--scope", "customers.read",
		"--issuer", issuer, "--audience", okta.DefaultAudience, "--client-id", "gateway"))
	manifest := w.command(sallyport, "render", "--for", "envoy", "--backend", backend.Listener.Addr().String(), "--backend-tls", "plain",
		"--identity-tls", "plain", "--listen", gateway, "--listen-tls", "plain", "--admin", admin, "--module", module)
	if err := os.WriteFile(filepath.Join(w.dir, "envoy.yaml"), []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start(envoy, "http://"+admin+"/ready", "OKTA_CLIENT_SECRET=a secret of the test")

	admitted := w.command("curl", "-sS", "-w", " %{http_code}", "-H", "x-api-key: "+key, "-H", "authorization: Bearer "+token, "http://"+gateway+"/customers/v1/orders/7")
	if admitted != "from the backend 200" {
		t.Errorf("the first call got %q", admitted)
	}
	select {
	case h := <-seen:
		if h.Get("x-api-key") != "" || h.Get("x-sallyport-app") != "first-app" {
			t.Errorf("the backend saw key %q, app %q", h.Get("x-api-key"), h.Get("x-sallyport-app"))
		}
	default:
		t.Error("the backend saw nothing")
	}
	refused := w.command("curl", "-sS", "-w", " %{http_code}", "http://"+gateway+"/customers/v1/orders/7")
	if !strings.HasSuffix(refused, " 401") || len(seen) > 0 {
		t.Errorf("the call without a key got %q, and the backend saw %d calls", refused, len(seen))
	}
	const mostCommands, mostTime = 5, 3 * time.Minute
	if took := time.Since(began); w.commands > mostCommands || took > mostTime {
		t.Errorf("%d commands and %s, want at most %d and %s", w.commands, took, mostCommands, mostTime)
	} else {
		t.Logf("%d commands, %s", w.commands, took.Round(time.Millisecond))
	}
}

// start runs Envoy, as one more command, until the test ends.
func (w *walk) start(envoy, ready, variable string) {
	w.t.Helper()
	w.commands++
	c := exec.CommandContext(w.t.Context(), envoy, "--config-path", "envoy.yaml", "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
	c.Dir, c.Env = w.dir, []string{variable}
	log, err := os.Create(filepath.Join(w.dir, "envoy.log"))
	if err != nil {
		w.t.Fatal(err)
	}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	w.t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		<-ended
		if text, err := os.ReadFile(log.Name()); err == nil && w.t.Failed() {
			w.t.Logf("Envoy said\n%s", text)
		}
		_ = log.Close()
	})
	for deadline := time.Now().Add(time.Minute); ; {
		if resp, err := http.Get(ready); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ended:
			w.t.Fatal("Envoy ended")
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			w.t.Fatal("Envoy is not ready after a minute")
		}
	}
}

// freeAddress is one of loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
