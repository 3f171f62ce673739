package scenario

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const settingsCall = "-- config.yaml --\n{realm: toy, service: s}\n-- request --\nGET / HTTP/1.1\nhost: a\n-- response --\n401\n~.*: .*\n~.*: .*\n\n~.*\n"

// expanded is what a file sets up at the seventh second.
func expanded(t *testing.T, text string) Setup {
	t.Helper()
	f, err := Parse("x.txtar", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	setup, err := f.setup.Expand(Vars{Now: time.Unix(7, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return setup
}

// wantRefused wants a problem of the file that contains these words.
func wantRefused(t *testing.T, text, want string) {
	t.Helper()
	if _, err := Parse("x.txtar", []byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

func TestSettingsAreRead(t *testing.T) {
	text := "Doc.\n-- settings --\nvm_id: a${now}\nvm_config: {\"a\": \"b: c\"}\nworkers: 4\npolicy: reload\nbackoff: 2s\nstop_iteration: true\n" +
		"buffer_limit: 1024\nidle: -1s\nrequest_timeout: 3s\nroute_timeout: 250ms\nhops: 2\nno_request_id: true\nsuppress_envoy_headers: true\n" +
		"direct_response: 418 tea ${now}\nnetwork: false\n" + settingsCall
	setup := expanded(t, text)
	want := Settings{VMID: "a7", VMConfig: `{"a": "b: c"}`, Workers: 4, Policy: PolicyReload, Backoff: 2 * time.Second,
		StopIteration: true, BufferLimit: 1024, Idle: -time.Second, RequestTimeout: 3 * time.Second, RouteTimeout: 250 * time.Millisecond,
		Hops: 2, NoRequestID: true, SuppressHeaders: true, DirectResponse: &Response{Status: 418, Body: []byte("tea 7")}}
	if diff := cmp.Diff(want, setup.Settings, cmpopts.IgnoreUnexported(Settings{})); diff != "" {
		t.Error(diff)
	}
	if given := strings.Join(setup.Settings.Given(), ", "); given != settingKeys {
		t.Errorf("given are %s, want all of %s", given, settingKeys)
	}
}

func TestSettingsRefused(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"nothing", "", "x.txtar:3: section has no line KEY: VALUE: write one, or remove it"},
		{"no colon", "workers 2\n", `x.txtar:3: line "workers 2" is not KEY: VALUE`},
		{"unknown", "workers: 2\nthreads: 2\n", `x.txtar:4: unknown setting "threads": write one of vm_id, vm_config, workers`},
		{"twice", "workers: 2\nworkers: 3\n", `x.txtar:4: second line for "workers": keep one`},
		{"no worker", "workers: 0\n", `x.txtar:3: workers: "0" is not a number from 1 to 64`},
		{"policy", "policy: ajar\n", `policy: "ajar" is not a policy: write closed, open, open_always or reload`},
		{"duration", "idle: 5\n", `idle: "5" is not a duration up to 24h0m0s, such as 250ms`},
		{"duration of nothing", "idle: 0s\n", `idle: "0s" is not a duration`},
		{"negative", "backoff: -1s\n", `backoff: "-1s" is below 0: leave the line out`},
		{"neither", "stop_iteration: yes\n", `stop_iteration: "yes" is neither true nor false`},
		{"status", "direct_response: hello\n", `direct_response: "hello" is not STATUS TEXT: the status "hello" is not a number from 200 to 599`},
		{"variable", "vm_id: ${later}\n", "unknown ${later}"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { wantRefused(t, "Doc.\n-- settings --\n"+c.text+settingsCall, c.want) })
	}
	_, err := Parse("x.txtar", []byte("Doc.\n-- settings --\nworkers: 2\n-- settings --\nhops: 1\n"+settingsCall), nil)
	if want := "x.txtar:4: second section settings, the first is at line 2: join them"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

// able is a driver that can do some of what files say.
type able struct {
	toy
	cannot map[string]string
}

func (d *able) Unsayable(_ Setup, word string) string { return d.cannot[word] }

// A driver that cannot do what a file says does not play it: it would show something else and pass.
func TestUnsayableIsSkipped(t *testing.T) {
	f, err := Parse("x.txtar", []byte("Doc.\n-- settings --\nhops: 1\nworkers: 2\n"+settingsCall), nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name   string
		driver Driver
		want   string
	}{
		{"a driver of requests alone", &toy{}, "settings hops is not sayable on toy: the driver knows no such thing"},
		{"a driver without workers", &able{cannot: map[string]string{"settings workers": "it has one thread"}}, "settings workers is not sayable on toy: it has one thread"},
		{"a driver that can", &able{}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Run(context.Background(), f, c.driver)
			reason, skipped := Skipped(err)
			if reason != c.want || skipped != (c.want != "") {
				t.Errorf("error %v, skipped %v for %q, want %q", err, skipped, reason, c.want)
			}
			if _, err := Update(context.Background(), f, c.driver); (err != nil) != skipped {
				t.Errorf("update: %v", err)
			}
		})
	}
}
