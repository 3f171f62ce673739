// Package explain runs one request through the pure filter and reports what each step of its sequence said: no gateway,
// no network, nothing is counted anywhere.
package explain

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// What a door can be.
const (
	Open       = "open"
	Refused    = "refused"
	Asks       = "asks" // somebody whose answer was not given
	NotReached = "not reached"
	Skipped    = "skipped" // not meant for this request
	Answers    = "answers" // in the backend's place
)

// quotaStep asks an engine, whose answer is never given.
const quotaStep = "quota"

// Door is one step and what it said.
type Door struct {
	Step   string `json:"step"`
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
	Note   string `json:"note,omitempty"`
	// Clusters are those that the step calls, whether it did or not.
	Clusters []string `json:"clusters,omitempty"`
}

// Explanation is what happens to the request. No value of a header that came with it is shown, except the origin that a
// preflight's answer repeats, which is one that the configuration allows.
type Explanation struct {
	API     string   `json:"api"` // NAME/VERSION, "" for none
	Doors   []Door   `json:"doors"`
	Decided bool     `json:"decided"` // false where a step asks
	Status  int      `json:"status,omitempty"`
	Reason  string   `json:"reason,omitempty"`  // of a refusal
	Removed []string `json:"removed,omitempty"` // headers, and "query" when that changed
	Added   []string `json:"added,omitempty"`   // headers, "name: value"
	Answer  []string `json:"answer,omitempty"`  // headers of a reply in the backend's place, "name: value"
}

// Question is a request and what surrounds it.
type Question struct {
	Config  []byte // JSON
	Env     func(name string) (string, bool)
	Request nativehost.Request
	// Introspection is the body of the authorization server's answer; nil when it is not known.
	Introspection []byte
	Now           time.Time
}

// ErrConfig is a configuration that the filter refuses; `sallyport check` says why.
var ErrConfig = errors.New("the filter refuses this configuration")

// notGiven is the status of an answer that was not given. No server answers with it.
const notGiven = 599

// Ask runs the request.
func Ask(q Question) (Explanation, error) {
	env := map[string]string{}
	loaded, problems := config.Load(q.Config, func(name string) (string, bool) {
		value, ok := q.Env(name)
		if !ok {
			value = document.AnyVariable() // a secret is not needed to know what would be asked
		}
		env[name] = value
		return value, true
	})
	if len(problems) > 0 {
		return Explanation{}, fmt.Errorf("%w: %s", ErrConfig, problems[0].String())
	}
	a := Explanation{Doors: []Door{}, Decided: true}
	authority, path := header(q.Request.Headers, "host"), q.Request.Target
	path, _, _ = strings.Cut(path, "?")
	index, _, match := loaded.Catalog.ResolveAPI(authority, path)
	if match == catalog.ResolvedAPI {
		api := loaded.Catalog.APIAt(index)
		a.API = api.Name + "/" + api.Version
	}
	answer := nativehost.ClusterAnswer{Response: nativehost.Response{Status: notGiven}}
	if q.Introspection != nil {
		answer.Response = nativehost.Response{Status: 200, Headers: []host.Header{{Name: "content-type", Value: "application/json"}}, Body: q.Introspection}
	}
	callees := calleesOf(q.Config)
	clusters := map[string]nativehost.ClusterAnswer{}
	for _, c := range callees.all {
		clusters[c.Cluster] = answer
	}
	host, err := nativehost.Start(nativehost.Setup{
		Config: q.Config, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Clusters: clusters, Upstream: nativehost.Response{Status: 200}, Now: q.Now,
		Watch: func(names []string, step int, o pipeline.Outcome) { a.saw(names, step, o, q.Introspection != nil) },
	})
	if err != nil {
		return Explanation{}, fmt.Errorf("start the filter: %w", err)
	}
	result, err := host.Do(q.Request)
	if err != nil {
		return Explanation{}, fmt.Errorf("run the request: %w", err)
	}
	if callees.askedForKeys(result.Calls) {
		a.wantsKeys()
	}
	if len(a.Doors) > 0 {
		for i, clusters := range callees.ofSteps(index) {
			a.Doors[i].Clusters = clusters
		}
	}
	a.conclude(q.Request, result)
	return a, nil
}

// saw notes what a step said. The outcome of a wait for an answer that was not given says nothing, whatever the step
// makes of it: the answer was made up.
func (a *Explanation) saw(steps []string, step int, o pipeline.Outcome, given bool) {
	if len(a.Doors) == 0 {
		for _, name := range steps {
			a.Doors = append(a.Doors, Door{Step: name, State: NotReached})
		}
	}
	door := &a.Doors[step]
	denial, refused := o.Denial()
	switch {
	case o.Flight() != nil:
		door.State, door.Note = Asks, "it would ask the authorization server; give the answer with --introspection"
		if door.Step == quotaStep {
			door.Note = "it would ask the engine, which knows how much of the limit is used; the explanation ends here"
		}
	case door.State == Asks && (!given || door.Step == quotaStep):
	case o.Skipped():
		door.State, door.Note = Skipped, "its when does not hold for this request"
	case o.Replies():
		door.State, door.Note = Answers, "a CORS preflight, which never reaches the backend"
	case refused:
		door.State, door.Reason, door.Note = Refused, denial.Reason.String(), ""
	default:
		door.State, door.Note = Open, ""
	}
}

// wantsKeys is for a token that is a JWT, whose issuer's keys are never given.
func (a *Explanation) wantsKeys() {
	for i := range a.Doors {
		if d := &a.Doors[i]; d.State != Skipped && (d.Step == "introspect_token" || d.Step == "verify_jwt") && d.State != NotReached {
			*d = Door{Step: d.Step, State: Asks, Note: "it would fetch the issuer's keys; the explanation ends here"}
		}
	}
}

// conclude says what client and backend see.
func (a *Explanation) conclude(asked nativehost.Request, got nativehost.Result) {
	if slices.ContainsFunc(a.Doors, func(d Door) bool { return d.State == Asks }) {
		a.Decided = false
		return
	}
	if got.Backend == nil {
		a.Status, a.Reason = got.Response.Status, header(got.Response.Headers, "x-sallyport-reason")
		if slices.ContainsFunc(a.Doors, func(d Door) bool { return d.State == Answers }) {
			for _, h := range got.Response.Headers {
				a.Answer = append(a.Answer, h.Name+": "+h.Value)
			}
		}
		return
	}
	for _, h := range asked.Headers {
		named := func(have host.Header) bool { return strings.EqualFold(have.Name, h.Name) }
		if name := strings.ToLower(h.Name); !slices.ContainsFunc(got.Backend.Headers, named) && !slices.Contains(a.Removed, name) {
			a.Removed = append(a.Removed, name)
		}
	}
	if got.Backend.Target != asked.Target {
		a.Removed = append(a.Removed, "query")
	}
	for _, h := range got.Backend.Headers {
		came := func(have host.Header) bool {
			return strings.EqualFold(have.Name, h.Name) && have.Value == h.Value
		}
		// The host adds the client's address to x-forwarded-for, which is not the filter's doing.
		if h.Name != "x-forwarded-for" && !slices.ContainsFunc(asked.Headers, came) {
			a.Added = append(a.Added, h.Name+": "+h.Value)
		}
	}
}

// header is the value of the first header of that name, in any letter case; "" for none.
func header(headers []host.Header, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}
