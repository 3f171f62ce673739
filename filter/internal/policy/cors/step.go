// Package cors implements the step cors, Apigee's CORS: it answers preflights
// in the backend's place, and lets pages of the allowed origins read the
// gateway's own refusals. It changes nothing about an admitted request: the
// response gets its headers from the proxy's own filter or from the backend.
package cors

import (
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// Unsaid is a MaxAge that leaves it to the browser how long it remembers the
// answer.
const Unsaid = -1

// Options say who may call, and how.
type Options struct {
	Origins     []Origin
	AnyOrigin   bool     // in place of Origins
	Methods     []string // besides GET, HEAD and POST, which every page may use
	Headers     []string // besides those that every page may send
	Expose      []string // headers of responses that a page may read
	MaxAge      time.Duration
	Credentials bool
}

// readable are the headers of a refusal that tell a page what to do next.
const readable = "ratelimit,ratelimit-policy,retry-after,www-authenticate," + denial.ReasonHeader

type step struct {
	origins []Origin
	any     bool
	granted denial.Headers // to every preflight of an origin that is allowed
	preflight,
	refusal *denial.CORS
	// The last preflight's answer, and for which origin.
	last   *denial.Response
	lastTo string
}

// New makes a cors step, which is a pipeline.Shaper too.
func New(o Options) pipeline.Step {
	s := &step{
		origins: o.Origins, any: o.AnyOrigin,
		preflight: &denial.CORS{AnyOrigin: o.AnyOrigin, Credentials: o.Credentials},
		refusal:   &denial.CORS{AnyOrigin: o.AnyOrigin, Credentials: o.Credentials, Expose: exposed(o.Expose)},
	}
	s.granted.Add("access-control-allow-methods", ascii.Join(o.Methods, ","))
	s.granted.Add("access-control-allow-headers", ascii.Join(o.Headers, ","))
	if o.MaxAge >= 0 {
		s.granted.Add("access-control-max-age", strconv.FormatInt(int64(o.MaxAge/time.Second), 10))
	}
	return s
}

// exposed adds the headers of refusals to the configured ones. It makes no
// difference if one of them is named twice.
func exposed(configured []string) string {
	if len(configured) == 0 {
		return readable
	}
	return readable + "," + ascii.Join(configured, ",")
}

// preflight is the method of a preflight (Fetch standard, section 3.2.2).
const preflight = "OPTIONS"

// Name implements pipeline.Step.
func (s *step) Name() string { return "cors" }

// Apply answers preflights. Everything else goes on to the next step, whatever
// its origin: CORS tells browsers what pages may read, and keeps nobody out.
func (s *step) Apply(x *pipeline.Exchange) pipeline.Outcome {
	if x.Method != preflight {
		return pipeline.Continue()
	}
	sent, ok := only(x, "origin")
	if !ok {
		return pipeline.Continue()
	}
	if method, ok := only(x, "access-control-request-method"); !ok || method == "" {
		return pipeline.Continue()
	}
	origin := s.allowed(sent)
	if origin == "" {
		return pipeline.DenyFor(denial.CORSOriginRefused)
	}
	if s.last == nil || s.lastTo != origin {
		s.lastTo = origin
		var h denial.Headers
		s.preflight.AppendTo(&h, origin)
		s.last = &denial.Response{Status: 200, Headers: append(h, s.granted...)}
	}
	return pipeline.Reply(s.last)
}

// Shape implements pipeline.Shaper.
func (s *step) Shape(x *pipeline.Exchange, d *denial.Denial) {
	d.CORS = s.refusal
	if sent, ok := only(x, "origin"); ok {
		d.Origin = s.allowed(sent)
	}
}

// allowed gives an origin that is allowed, as text that may be kept; "" for any
// other.
//
//go:noinline
func (s *step) allowed(sent string) string {
	if s.any {
		return "*"
	}
	for i := range s.origins {
		if o := &s.origins[i]; o.allows(sent) {
			if o.whole != "" {
				return o.whole
			}
			return strings.Clone(sent)
		}
	}
	return ""
}

// only gives the value of a header that came once.
//
//go:noinline
func only(x *pipeline.Exchange, name string) (value string, ok bool) {
	for i := range x.Headers {
		if h := &x.Headers[i]; h.Name == name {
			if ok {
				return "", false
			}
			value, ok = h.Value, true
		}
	}
	return value, ok
}

var (
	_ pipeline.Step   = (*step)(nil)
	_ pipeline.Shaper = (*step)(nil)
)
