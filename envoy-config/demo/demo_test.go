package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/demo"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun/envoytest"
	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// hosts are what the demo runs on; a missing Envoy skips, and fails in CI.
var hosts = []string{demo.HostSim, demo.HostEnvoy}

// doorMarks is the tag of the module that says when a request comes to a step.
const doorMarks = "doormarks"

// startDemo starts it, and when it has ended looks for secrets and errors in what it logged.
func startDemo(t *testing.T, host string) *demo.Demo {
	t.Helper()
	return startDemoThat(t, host, false)
}

// startDemoThat is startDemo, also for a demo that is given reasons to log errors.
func startDemoThat(t *testing.T, host string, errs bool) *demo.Demo {
	t.Helper()
	if host == demo.HostEnvoy {
		envoytest.Find(t)
	}
	tags := []string{doorMarks}
	if host == demo.HostEnvoy {
		tags = nil // the module as it is for use
	}
	log := &bytes.Buffer{}
	d, err := demo.Start(t.Context(), demo.Options{
		Wasm: wasmbuild.PackageTags(t, "./filter", tags...), Host: host, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	secrets := secretsOf(t, d)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		for _, secret := range secrets {
			if strings.Contains(log.String(), secret) {
				t.Errorf("a secret was logged: %.8s…", secret)
			}
		}
		if !errs && strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("errors were logged: %s", log)
		}
	})
	return d
}

// secretsOf are the key and the tokens of the lines to paste.
func secretsOf(t *testing.T, d *demo.Demo) []string {
	t.Helper()
	secrets := []string{d.Password}
	for _, l := range d.Lines() {
		if m := keyInLine.FindStringSubmatch(l.Command); m != nil {
			secrets = append(secrets, m[1])
		}
		token, err := os.ReadFile(tokenInLine.FindStringSubmatch(l.Command)[1])
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, string(token))
	}
	return secrets
}

var (
	printedLine = regexp.MustCompile(`(?m)^# (\d{3}): .*?(?: \((.*)\))?\n(curl .*)$`)
	reasonLine  = regexp.MustCompile(`(?mi)^x-sallyport-reason: (\S+)`)
	keyInLine   = regexp.MustCompile(`x-api-key: ([^']+)'`)
	tokenInLine = regexp.MustCompile(`\$\(cat ([^)]+)\)`)
	statusLine  = regexp.MustCompile(`(?m)^HTTP/[0-9.]+ (\d{3})`)
	countLine   = regexp.MustCompile(`(?m)^ *(\d+) (\d{3})$`)
)

// TestPrintedLines pastes what the demo prints into a shell.
func TestPrintedLines(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for _, host := range hosts {
		t.Run(host, func(t *testing.T) {
			d := startDemo(t, host)
			var printed bytes.Buffer
			if err := d.Print(&printed); err != nil {
				t.Fatal(err)
			}
			lines := printedLine.FindAllStringSubmatch(printed.String(), -1)
			if len(lines) != 5 {
				t.Fatalf("%d lines to paste: %s", len(lines), &printed)
			}
			for _, l := range lines {
				want, reason, command := l[1], l[2], l[3]
				out := shell(t, command)
				if got := statuses(out); !slices.Contains(got, want) {
					t.Errorf("%s\nshows %v, want %s:\n%s", command, got, want, out)
				}
				// The burst's line counts, and shows no headers.
				if m := reasonLine.FindStringSubmatch(out); want != "429" && reason != "" && (m == nil || m[1] != reason) {
					t.Errorf("%s\nshows reason %v, want %s", command, m, reason)
				}
			}
		})
	}
}

// TestPagesKnowTheGateway: on both hosts the pages tell of a request that was refused, and of one that was not.
func TestPagesKnowTheGateway(t *testing.T) {
	for _, host := range hosts {
		t.Run(host, func(t *testing.T) {
			d := startDemo(t, host)
			for _, l := range d.Lines()[:2] {
				shell(t, l.Command)
			}
			client := browser(t, d)
			page := func(path string, into any) {
				t.Helper()
				resp, err := client.Get(d.PortalURL + path)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
					t.Fatalf("%s: %v", path, err)
				}
			}
			var trace struct {
				Visits []struct {
					Path, Reason, App string
					Status, Hostcalls int
					Doors             []struct{ State string }
				}
			}
			// Envoy writes its access log some time after the response.
			for deadline := time.Now().Add(patience); len(trace.Visits) < 2; {
				if page("/trace.json", &trace); time.Now().After(deadline) {
					t.Fatalf("%d visits", len(trace.Visits))
				}
			}
			good, refused := trace.Visits[0], trace.Visits[1]
			if good.Path != "/customers/v1/orders/42" || good.Status != 200 || good.App != "global-customer-portal" || good.Doors[6].State != "opened" {
				t.Errorf("the good request: %+v", good)
			}
			if refused.Status != 401 || refused.Reason != "api_key.missing" || refused.Doors[2].State != "refused" || refused.Doors[3].State != "not reached" {
				t.Errorf("the refused request: %+v", refused)
			}
			if tells := good.Hostcalls > 0; tells != (host == demo.HostSim) {
				t.Errorf("%d hostcalls", good.Hostcalls)
			}
			var usage struct {
				Rows []struct {
					App, Version string
					Calls        int
					Refused      map[string]int
				}
			}
			// The filter reports what it counted a quarter second later.
			for deadline := time.Now().Add(patience); len(usage.Rows) < 2 && time.Now().Before(deadline); {
				page("/usage.json", &usage)
			}
			if len(usage.Rows) != 2 || usage.Rows[0].Refused["api_key.missing"] != 1 || usage.Rows[1].App != "global-customer-portal" || usage.Rows[1].Calls != 1 {
				t.Errorf("usage: %+v", usage.Rows)
			}
		})
	}
}

// patience bounds a wait; a machine that is busy may need some of it.
const patience = 60 * time.Second

func shell(t *testing.T, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, &stderr)
	}
	return string(out)
}

// statuses are those of a response with its headers, or of a count of many.
func statuses(out string) []string {
	if m := statusLine.FindStringSubmatch(out); m != nil {
		return m[1:]
	}
	var all []string
	for _, m := range countLine.FindAllStringSubmatch(out, -1) {
		all = append(all, m[2])
	}
	return all
}

// TestBurstLetsSomePass: the burst line shows both what passes and what does not.
func TestBurstLetsSomePass(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	d := startDemo(t, demo.HostSim)
	lines := d.Lines()
	counts := map[string]int{}
	for _, m := range countLine.FindAllStringSubmatch(shell(t, lines[len(lines)-1].Command), -1) {
		counts[m[2]], _ = strconv.Atoi(m[1])
	}
	if counts["200"] < 10 || counts["429"] == 0 || counts["200"]+counts["429"] != 50 {
		t.Errorf("50 calls: %v", counts)
	}
}

// TestPortalCallsThroughTheGateway walks as a person does: log in, call, revoke, call.
func TestPortalCallsThroughTheGateway(t *testing.T) {
	for _, host := range hosts {
		t.Run(host, func(t *testing.T) {
			d := startDemo(t, host)
			f := &portalFixture{url: d.PortalURL, browser: browser(t, d)}
			_, page := f.send(t, f.url+"/login", url.Values{})
			field := requestField.FindStringSubmatch(page)
			if field == nil {
				t.Fatalf("no login page: %s", page)
			}
			issuer, _ := url.Parse(d.OktaIssuer)
			_, page = f.send(t, "https://"+issuer.Host+"/login/login.htm",
				url.Values{"request": {field[1]}, "username": {d.Login}, "password": {d.Password}})
			if !strings.Contains(page, "Ada Lovelace") {
				t.Fatalf("after login: %s", page)
			}
			for _, want := range []string{
				"<strong>200 OK</strong>",
				"&#34;x-sallyport-app&#34;:&#34;global-customer-portal&#34;",
				"&#34;x-sallyport-subject&#34;:&#34;" + d.Login + "&#34;",
				"spiffe://sallyport.demo/gateway",
			} {
				if _, page := f.send(t, f.url+"/call", call("1")); !strings.Contains(page, want) {
					t.Errorf("the call's page lacks %s: %s", want, page)
				}
			}
			wantCall := func(form url.Values, want string) {
				t.Helper()
				if _, page := f.send(t, f.url+"/call", form); !strings.Contains(page, "<strong>"+want) {
					t.Errorf("want %s: %s", want, page)
				}
			}
			wantCall(url.Values{"call": {"order-v1"}, "with_token": {"on"}, "times": {"1"}}, "401 Unauthorized")
			wantCall(url.Values{"call": {"delete"}, "with_key": {"on"}, "with_token": {"on"}, "times": {"1"}}, "401 Unauthorized")
			wantCall(url.Values{"call": {"nowhere"}, "with_key": {"on"}, "with_token": {"on"}, "times": {"1"}}, "404 Not Found")
			f.wantTrace(t, url.Values{"call": {"order-v2"}, "with_token": {"on"}, "times": {"1"}}, "api_key.missing")
		})
	}
}

// wantTrace makes a call, and looks where its answer's link leads: to the visit with this reason, on any host.
func (f *portalFixture) wantTrace(t *testing.T, form url.Values, reason string) {
	t.Helper()
	_, body := f.send(t, f.url+"/call", form, "Accept", "application/json")
	var answer struct{ Reason, Trace string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	_, fragment, _ := strings.Cut(answer.Trace, "#")
	link, err := url.ParseQuery(fragment)
	if err != nil || answer.Reason != reason {
		t.Fatalf("the answer is %+v: %v", answer, err)
	}
	from, _ := strconv.ParseInt(link.Get("from"), 10, 64)
	to, _ := strconv.ParseInt(link.Get("to"), 10, 64)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, body := f.send(t, f.url+"/trace.json", nil)
		var trace struct {
			Visits []struct {
				Method, Path, Reason string
				At                   time.Time
			}
		}
		if err := json.Unmarshal([]byte(body), &trace); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		for _, v := range trace.Visits {
			at := v.At.UnixMilli()
			if v.Method == link.Get("method") && v.Path == link.Get("path") && at >= from && at <= to && v.Reason == reason {
				return
			}
		}
	}
	t.Errorf("no visit is at %s", answer.Trace)
}

// browser trusts what the demo serves with, as a person who has accepted the CA.
func browser(t *testing.T, d *demo.Demo) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := d.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport}
}

func TestStartRefuses(t *testing.T) {
	for name, o := range map[string]demo.Options{
		"unknown host": {Wasm: "x", Host: "nginx"},
		"no module":    {Wasm: "does-not-exist.wasm"},
		"bad address":  {Wasm: "x", Okta: "nonsense"},
	} {
		t.Run(name, func(t *testing.T) {
			if d, err := demo.Start(context.Background(), o); err == nil {
				d.Close()
				t.Error("it started")
			}
		})
	}
}
