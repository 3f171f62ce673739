package command

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// traceDocument is the JSON document of trace. It has lengths, not values.
type traceDocument struct {
	Method    string          `json:"method"`
	Authority string          `json:"authority"`
	Path      string          `json:"path"` // without the query
	Startup   []callDocument  `json:"startup,omitempty"`
	Trace     []callDocument  `json:"trace"`
	Callouts  []messageOutput `json:"callouts"`
	Backend   *messageOutput  `json:"backend"` // null: it saw nothing
	Client    messageOutput   `json:"client"`
	Hostcalls int             `json:"hostcalls"`
	ElapsedMS float64         `json:"elapsed_ms"`
	Details   string          `json:"details"`
	Log       []lineDocument  `json:"log,omitempty"`
}

type callDocument struct {
	AtMS    float64 `json:"at_ms"` // on the simulated clock, since the request began
	TookUS  float64 `json:"took_us"`
	Thread  int     `json:"thread"` // 0 the main thread, else the worker
	Context uint32  `json:"context"`
	Kind    string  `json:"kind"` // callback, hostcall
	Call    string  `json:"call"`
	Args    string  `json:"args"`
	Result  uint32  `json:"result"`
	Status  string  `json:"status,omitempty"` // of a hostcall
	Why     string  `json:"why,omitempty"`    // of a status that is not Ok
	Given   *int    `json:"given_bytes,omitempty"`
	Trapped bool    `json:"trapped,omitempty"`
}

type messageOutput struct {
	Cluster   string         `json:"cluster,omitempty"`
	Refused   string         `json:"refused,omitempty"` // status with which the callout was refused
	Status    int            `json:"status,omitempty"`
	Headers   []headerOutput `json:"headers"`
	BodyBytes int            `json:"body_bytes"`
}

type headerOutput struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

type lineDocument struct {
	Level   string `json:"level"`
	Message string `json:"message"`
}

func (t *traced) document(startup, log bool) traceDocument {
	path, _, _ := strings.Cut(t.request.Path, "?")
	d := traceDocument{
		Method: t.request.Method, Authority: t.request.Authority, Path: path, Trace: t.calls(t.exchange.Trace),
		Callouts: []messageOutput{}, Client: message(t.response.Headers, t.response.Body), Hostcalls: t.exchange.AllHostcalls,
		ElapsedMS: t.exchange.Elapsed.Seconds() * 1e3, Details: t.exchange.Details,
	}
	d.Client.Status = t.response.Status
	if startup {
		d.Startup = t.calls(t.startup)
	}
	for _, c := range t.exchange.Calls {
		m := message(c.Headers, c.Body)
		m.Cluster = c.Cluster
		if c.Status != abi.StatusOK {
			m.Refused = c.Status.String()
		}
		d.Callouts = append(d.Callouts, m)
	}
	if up := t.exchange.Upstream; up != nil {
		m := message(up.Headers, up.Body)
		d.Backend = &m
	}
	if log {
		for _, l := range append(t.startupLog, t.exchange.Log...) {
			d.Log = append(d.Log, lineDocument{l.Level.String(), l.Message})
		}
	}
	return d
}

func (t *traced) calls(trace []hostsim.TraceEntry) []callDocument {
	out := []callDocument{}
	for _, e := range trace {
		c := callDocument{AtMS: e.At.Sub(t.began).Seconds() * 1e3, TookUS: e.Took.Seconds() * 1e6, Thread: e.Thread, Context: e.Context,
			Kind: "callback", Call: e.Name, Args: e.Args, Result: e.Result, Trapped: e.Trapped}
		if !e.Callback {
			c.Kind, c.Status, c.Why = "hostcall", abi.Status(e.Result).String(), e.Explain()
		}
		if e.Given >= 0 {
			c.Given = &e.Given
		}
		out = append(out, c)
	}
	return out
}

func message(h abi.Headers, body []byte) messageOutput {
	m := messageOutput{Headers: []headerOutput{}, BodyBytes: len(body)}
	for _, f := range h {
		m.Headers = append(m.Headers, headerOutput{f.Name, len(f.Value)})
	}
	return m
}
