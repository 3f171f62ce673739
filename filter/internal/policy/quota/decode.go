package quota

import (
	"errors"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/breaker"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Bounds and defaults of the options.
const (
	maxName       = 64
	defaultName   = "default"
	defaultDomain = "sallyport"

	minTimeout     = 10 * time.Millisecond
	maxTimeout     = 5 * time.Second
	defaultTimeout = 200 * time.Millisecond

	defaultInFlight = 1024
	maxInFlight     = 16_384

	defaultBatch = 10
	minSync      = 250 * time.Millisecond // the tick
	maxSync      = time.Minute
	defaultSync  = time.Second
)

var (
	optionMembers = decode.Members{Names: []string{"per", "name", "limit", "interval", "window", "weight", "mode", "engine", "batch", "sync_interval", "on_engine_failure"}, Required: 1}
	engineMembers = decode.Members{Names: []string{"cluster", "domain", "timeout", "max_in_flight", "breaker"}, Required: 1}
	ownMembers    = decode.Members{Names: []string{"limit", "interval"}, Required: 2}
	allowMembers  = decode.Members{Names: []string{"allow"}, Required: 1}

	windowWords  = []string{"calendar", "rolling"}
	failureWords = []string{"deny", "allow"}
)

// Policy is quota.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	o := Options{
		Name: defaultName, Weight: 1,
		Engine: Engine{Domain: defaultDomain, Timeout: defaultTimeout, MaxInFlight: defaultInFlight, Breaker: breaker.Default, Batch: defaultBatch, SyncInterval: defaultSync},
	}
	limited, engine := 0, false
	ok := p.Options(r, v, &optionMembers, func(name string, v decode.Value) {
		switch name {
		case "per":
			i, _ := r.Word(v, perWords[:]...)
			o.Per = Per(i)
		case "name":
			r.Parse(v, func(s string) error { o.Name = s; return checkName(s) })
		case "limit":
			o.Terms.Limit = int64(r.Integer(v, 1, MaxLimit))
			limited++
		case "interval":
			o.Terms.Interval = uint8(decodeInterval(r, v))
			limited++
		case "window":
			i, _ := r.Word(v, windowWords...)
			o.Rolling = i == 1
		case "weight":
			o.Weight = int64(r.Integer(v, 1, MaxWeight))
		case "mode":
			i, _ := r.Word(v, modeWords[:]...)
			o.Mode = Mode(i)
		case "engine":
			engine = true
			decodeEngine(r, v, &o.Engine)
		case "batch":
			o.Engine.Batch = int64(r.Integer(v, 1, MaxBatch))
		case "sync_interval":
			o.Engine.SyncInterval = r.Duration(v, minSync, maxSync)
		case "on_engine_failure":
			o.Engine.OnFailure = decodeOnFailure(r, v)
		}
	})
	if !ok {
		return
	}
	check(r, &o, limited, engine)
	plan(p, &o)
}

// check refuses options that do not fit together.
func check(r *decode.Reader, o *Options, limited int, engine bool) {
	if limited == 1 {
		r.Problem("must have both limit and interval, or neither, to use the products' own")
	}
	if o.Mode == Local && engine {
		r.ProblemAt("engine", "is for the modes exact and reconciled: remove it, or choose one of them")
	}
	if o.Mode != Local && !engine {
		r.Problem("must have an engine in mode " + modeWords[o.Mode])
	}
	if o.Mode == Reconciled && o.Weight > o.Engine.Batch {
		r.ProblemAt("batch", "must not be less than weight")
	}
	if o.Mode != Local && o.Rolling {
		r.ProblemAt("window", "must be calendar in mode "+modeWords[o.Mode]+": the engine's windows begin with the calendar's")
	}
}

func decodeInterval(r *decode.Reader, v decode.Value) Interval {
	i, ok := r.Word(v, intervalWords[Minute:]...)
	if !ok {
		return None
	}
	return Minute + Interval(i)
}

func decodeEngine(r *decode.Reader, v decode.Value, e *Engine) {
	r.Object(v, &engineMembers, func(name string, v decode.Value) {
		switch name {
		case "cluster":
			e.Cluster = r.Visible(v)
		case "domain":
			r.Parse(v, func(s string) error { e.Domain = s; return checkName(s) })
		case "timeout":
			e.Timeout = r.Duration(v, minTimeout, maxTimeout)
		case "max_in_flight":
			e.MaxInFlight = r.Integer(v, 1, maxInFlight)
		case "breaker":
			e.Breaker = breaker.Decode(r, v)
		}
	})
}

// decodeOnFailure reads "deny", "allow" or {allow: N}.
func decodeOnFailure(r *decode.Reader, v decode.Value) (f OnFailure) {
	if !v.IsObject() {
		if i, ok := r.Word(v, failureWords...); ok && i == 1 {
			f.Hits = MaxLimit
		}
		return f
	}
	r.Object(v, &allowMembers, func(_ string, v decode.Value) { f.Hits = int64(r.Integer(v, 1, MaxLimit)) })
	return f
}

var errName = errors.New("must be 1 to 64 letters, digits, dots and hyphens")

// checkName leaves out the characters that end a part of the engine's keys, _,
// and a metric's label.
func checkName(s string) error {
	if s == "" || len(s) > maxName {
		return errName
	}
	for _, c := range []byte(s) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-') {
			return errName
		}
	}
	return nil
}

// DecodeOwn reads a product's quota.
func DecodeOwn(r *decode.Reader, v decode.Value) (own policy.Quota) {
	r.Object(v, &ownMembers, func(name string, v decode.Value) {
		switch name {
		case "limit":
			own.Limit = int64(r.Integer(v, 1, MaxLimit))
		case "interval":
			own.Interval = uint8(decodeInterval(r, v))
		}
	})
	return own
}

// plan has the step built.
func plan(p *policy.Plan, o *Options) {
	switch {
	case o.Per == Subject:
		p.Needs, p.Cause = policy.Token, "per: token_subject"
	case o.Per == App, o.Per == Product:
		p.Needs, p.Cause = policy.Caller, "per: "+perWords[o.Per]
	case o.Terms.Limit == 0:
		p.Needs, p.Cause = policy.Caller, "the product's own limit"
	}
	if o.Mode != Local {
		p.Wait = 2 * o.Engine.Timeout // the call in flight, and the next one
	}
	p.Build = func(site *policy.Site) pipeline.Step {
		own := *o
		if own.Per == ClientIP {
			own.IPv6Prefix = site.IPv6Prefix
		}
		own.Products, own.Report = site.Quotas, site.TellAdmitted
		return New(own, site.Ports)
	}
}
