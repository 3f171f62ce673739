package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/hostdriver"
)

// TestLeak plays every scenario and then looks for each API key, token and client secret of it, in every spelling, in
// all that comes out of the proxy beside the calls that are meant to carry them.
func TestLeak(t *testing.T) {
	files, err := scenario.Load(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	d := &watchedDriver{Driver: hostdriver.New(module(t), hostsim.WithTrace(), hostsim.WithLogLevel(abi.LevelTrace))}
	for _, f := range files {
		if _, skipped := f.Skip(d.Name()); skipped {
			continue
		}
		if _, err := scenario.Run(t.Context(), f, d); err != nil {
			t.Error(err)
		}
	}
	secrets, evidence, meant := 0, 0, map[string]int{}
	for _, w := range d.instances {
		secrets += len(w.secrets)
		evidence += len(w.evidence)
		for _, leak := range w.secrets.findIn(w.evidence) {
			t.Errorf("%s: %s", w.name, leak)
		}
		for _, leak := range w.keys.findIn(w.backend) {
			t.Errorf("%s: the backend: %s", w.name, leak)
		}
		for _, found := range w.secrets.findIn(w.callouts) {
			meant[found.spelling]++
		}
	}
	// The calls to the authorization server do carry token and secret. Not to find them there would mean that nothing is.
	if meant["plain"] == 0 || meant["form-encoded"] == 0 || meant["base64"] == 0 {
		t.Errorf("found in the calls to the authorization server: %v; want some plain, some form-encoded, some in base64", meant)
	}
	t.Logf("%d scenarios, %d secrets looked for in %d texts; in the calls that must carry them: %v", len(d.instances), secrets, evidence, meant)
}

// watchedDriver is a scenario driver that keeps what each scenario knew and left behind.
type watchedDriver struct {
	*hostdriver.Driver
	mu        sync.Mutex
	instances []*watched
}

func (d *watchedDriver) Start(ctx context.Context, s scenario.Setup) (scenario.Instance, error) {
	w := &watched{name: s.Name, secrets: secretSet{}, keys: secretSet{}}
	d.mu.Lock()
	d.instances = append(d.instances, w)
	d.mu.Unlock()
	expanded, err := s.Expand(scenario.Vars{Now: hostdriver.Start})
	if err != nil {
		return nil, err
	}
	for name, value := range expanded.Env {
		w.secrets.add(value, "the environment's "+name)
	}
	w.secrets.addInline(expanded.Config)
	w.keepsKeyFromBackend = bytes.Contains(expanded.Config, []byte(`"remove_api_key"`))

	in, err := d.Driver.Start(ctx, s)
	var refused *scenario.ConfigError
	if errors.As(err, &refused) {
		for _, l := range refused.Log {
			w.see("log", l.Message)
		}
	}
	if err != nil {
		return nil, err
	}
	w.Inside = in.(hostdriver.Inside)
	return w, nil
}

// watched is a scenario's instance.
type watched struct {
	hostdriver.Inside
	name                        string
	keepsKeyFromBackend         bool
	secrets, keys               secretSet
	evidence, backend, callouts []text
}

// text is something that was seen, and where.
type text struct{ where, content string }

func (w *watched) see(where, content string) { w.evidence = append(w.evidence, text{where, content}) }

func (w *watched) Do(ctx context.Context, r scenario.Request) (scenario.Result, error) {
	w.learn(r)
	result, err := w.Inside.Do(ctx, r)
	if err != nil {
		return result, err
	}
	w.seeResponse(result.Response)
	if b := result.Backend; b != nil {
		w.seeBackend(*b)
	}
	w.seeLast()
	return result, nil
}

func (w *watched) Begin(ctx context.Context, s scenario.Sent) error {
	w.learn(s.Request)
	return w.Inside.Begin(ctx, s)
}

func (w *watched) Finish(ctx context.Context, names []string) (scenario.Outcome, error) {
	out, err := w.Inside.Finish(ctx, names)
	for _, list := range out.Responses {
		for _, r := range list {
			w.seeResponse(r)
		}
	}
	for _, b := range out.Backend {
		w.seeBackend(b)
	}
	w.seeLast()
	return out, err
}

func (w *watched) seeResponse(r scenario.Response) {
	w.see("response", string(r.Body))
	for _, h := range r.Headers {
		w.see("response header", h.Name+": "+h.Value)
	}
}

func (w *watched) seeBackend(b scenario.Request) {
	if !w.keepsKeyFromBackend {
		return
	}
	w.backend = append(w.backend, text{"target", b.Target})
	for _, h := range b.Headers {
		w.backend = append(w.backend, text{"header", h.Name + ": " + h.Value})
	}
}

func (w *watched) seeLast() {
	last := w.LastExchange()
	w.see("response code details", last.Details)
	for key, value := range last.FilterState {
		w.see("filter state", key+"="+string(value))
	}
}

// learn takes from a request what must not be seen elsewhere.
func (w *watched) learn(r scenario.Request) {
	for _, h := range r.Headers {
		switch name := strings.ToLower(h.Name); {
		case strings.Contains(name, "key"):
			w.secrets.add(h.Value, "the key in "+name)
			w.keys.add(h.Value, "the key in "+name)
		case name == "authorization":
			for credential := range strings.SplitSeq(h.Value, ",") {
				_, credential, _ = strings.Cut(strings.TrimSpace(credential), " ")
				w.secrets.add(credential, "the bearer token")
			}
		}
	}
	_, query, _ := strings.Cut(r.Target, "?")
	for part := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		w.secrets.add(value, "the parameter "+name)
		if plain, err := url.QueryUnescape(name); err == nil && plain == "apikey" {
			w.keys.add(value, "the parameter "+name)
		}
	}
}

func (w *watched) Close() error {
	w.lookAt(w.Host())
	return w.Inside.Close()
}

// lookAt sees everything that was left behind.
func (w *watched) lookAt(h *hostsim.Host) {
	h.Advance(250 * time.Millisecond) // until all that was counted is reported
	for _, l := range h.Log() {
		w.see("log", l.Message)
	}
	for _, e := range h.Trace() {
		w.see("trace", e.String())
	}
	process := h.Process()
	for _, m := range process.Metrics() {
		w.see("metric", m.Name)
	}
	for key, value := range process.SharedData("") {
		w.see("shared data", key+"="+string(value))
	}
	for _, c := range process.Calls() {
		w.callouts = append(w.callouts, text{"body", string(c.Body)})
		for _, h := range c.Headers {
			w.callouts = append(w.callouts, text{"header", h.Name + ": " + h.Value})
		}
	}
}

// addInline adds the client secrets that stand in a configuration itself.
func (s secretSet) addInline(config []byte) {
	var document any
	if json.Unmarshal(config, &document) != nil {
		return // one that the guest is to refuse
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, member := range v {
				if text, ok := member.(string); ok && name == "inline" {
					s.add(text, "an inline secret")
				}
				walk(member)
			}
		}
	}
	walk(document)
}
