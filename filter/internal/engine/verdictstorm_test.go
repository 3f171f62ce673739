package engine_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// radio is a step of which each request waits for a message from another VM.
type radio struct{ flights map[string]*pipeline.Flight }

func (r *radio) Name() string { return "radio" }
func (r *radio) Busy() bool   { return false }
func (r *radio) Tick(int64)   {}

func (r *radio) Apply(*pipeline.Exchange) pipeline.Outcome {
	f := &pipeline.Flight{}
	r.flights[fmt.Sprint("flight ", len(r.flights)+1)] = f
	return pipeline.Await(f, func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Continue() })
}

func (r *radio) Hear(message []byte, _ int64) {
	if f := r.flights[string(message)]; f != nil {
		f.Land()
	}
}

// chain is a step of which the last request ends what all others wait for.
type chain struct {
	flight pipeline.Flight
	came   int
}

func (c *chain) Name() string { return "chain" }

func (c *chain) Apply(*pipeline.Exchange) pipeline.Outcome {
	if c.came++; c.came == stormSize {
		c.flight.Land()
		return pipeline.Continue()
	}
	return pipeline.Await(&c.flight, func(*pipeline.Exchange) pipeline.Outcome { return pipeline.Continue() })
}

const prechecking = `{"version":1,"apis":[{"name":"a","version":"v1","base_path":"/a"}],
"sequence":[{"introspect_token":{"cluster":"okta","authority":"okta.example.com","path":"/introspect","client_id":"gw","client_secret":{"env":"SECRET"},"precheck":{"mode":"jwt_only","jwks":{"path":"/keys"},"issuer":"https://okta.example.com","audience":["api"]}}}]}`

// TestVerdictStorm: whatever makes streams due, and however many, no callback gives more verdicts than the bound, each
// stream gets one, and who came first gets it first.
func TestVerdictStorm(t *testing.T) {
	last := append([]uint32{stormSize}, upTo(stormSize-1)...)
	for _, tt := range []struct {
		name string
		run  func(l *loop)
		want []uint32
	}{
		{"a call's answer refuses them", func(l *loop) {
			l.crowd(stormSize)
			l.callback(func() { l.land(inactive()) })
		}, upTo(stormSize)},
		{"a call's answer admits them", func(l *loop) {
			l.crowd(stormSize)
			l.callback(func() { l.land(active()) })
		}, upTo(stormSize)},
		{"a call has failed", func(l *loop) {
			l.crowd(stormSize)
			l.callback(func() { l.land(host.Answer{Failure: host.TimedOut}) })
		}, upTo(stormSize)},
		{"the issuer's keys have come", func(l *loop) {
			if !l.engine.Configure([]byte(prechecking), func(string) (string, bool) { return "s3cret", true }) {
				l.t.Fatal(l.lines)
			}
			token := ""
			for _, part := range []string{`{"alg":"RS256","kid":"k"}`, `{"iss":"https://okta.example.com","aud":"api","exp":1900000000}`, strings.Repeat("s", 256)} {
				token += "." + base64.RawURLEncoding.EncodeToString([]byte(part))
			}
			l.headers[3].Value = "Bearer " + token[1:]
			l.crowd(stormSize)
			l.callback(func() { l.land(host.Answer{Failure: host.NoFailure, Status: 404}) })
		}, upTo(stormSize)},
		{"their time is over", func(l *loop) {
			l.engine.Run(&stuck{})
			l.crowd(stormSize)
			l.tick(time.Hour)
		}, upTo(stormSize)},
		{"another VM says so of each", func(l *loop) {
			r := &radio{flights: map[string]*pipeline.Flight{}}
			l.engine.Run(r)
			l.engine.Join(r)
			l.crowd(stormSize)
			l.queue()
			for i := range stormSize {
				l.hears(fmt.Append(nil, "flight ", i+1))
			}
		}, upTo(stormSize)},
		{"one of them ends what all others wait for next", func(l *loop) {
			first := &stuck{}
			l.engine.Run(first, &chain{})
			l.crowd(stormSize)
			l.callback(func() { first.flight.Land(); l.engine.Tick() })
		}, last},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLoop(t)
			tt.run(l)
			l.settle()
			l.wantServed(tt.want)
			if calls := (stormSize + maxVerdicts - 1) / maxVerdicts; len(l.callbacks) != calls {
				t.Errorf("%d callbacks gave verdicts, want %d", len(l.callbacks), calls)
			}
			t.Logf("%d verdicts in %d callbacks, %d in one at most", len(l.given), len(l.callbacks), slices.Max(l.callbacks))
		})
	}
}
