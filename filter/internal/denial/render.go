// Package denial holds the table of reasons for which a request is refused, and
// the one place that turns a refusal into what the client reads.
package denial

import (
	"errors"
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// Format is the shape of a refusal's body. The zero value is Apigee's.
type Format uint8

const (
	// Apigee is {"fault":{"faultstring":…,"detail":{"errorcode":…}}}.
	Apigee Format = iota
	// Problem is application/problem+json (RFC 9457).
	Problem
)

// ParseFormat reads the configuration's word for a format.
func ParseFormat(word string) (Format, error) {
	switch word {
	case "apigee":
		return Apigee, nil
	case "problem":
		return Problem, nil
	}
	return Apigee, errors.New(`must be "apigee" or "problem"`)
}

// ReasonHeader carries the reason's word in every refusal.
const ReasonHeader = "x-sallyport-reason"

// realm is shown in challenges (RFC 9110 section 11.5).
const realm = "sallyport"

// Response is a rendered refusal: everything that the client gets.
type Response struct {
	Status  int
	Headers []host.Header
	Body    []byte
	// GRPC is the status for a gRPC client; 0 leaves it to the host, which
	// derives it from Status.
	GRPC int

	// Wire is for the host to keep Headers in its own encoding: a response is
	// sent many times.
	Wire []byte
}

// ResourceExhausted is the gRPC status for a rate limit. Hosts turn 429 into
// UNAVAILABLE, which clients may retry at once
// (grpc/doc/http-grpc-status-mapping.md, grpc/doc/statuscodes.md).
const ResourceExhausted = 8

// Renderer renders each refusal once, as long as refusals for its reason say the
// same. The zero value renders in Apigee's format.
type Renderer struct {
	Format Format
	// RateLimitedGRPC is Response.GRPC of a refusal by a limit.
	RateLimitedGRPC int
	// Omit names headers to leave out of refusals by a limit.
	Omit []string

	kept []*kept // by reason
}

type kept struct {
	denial   Denial
	response Response
}

// Render returns a refusal's response, of which only Wire may be changed.
func (r *Renderer) Render(d Denial) *Response {
	if d.Reason >= reasonCount {
		d.Reason = Internal
	}
	if r.kept == nil {
		r.kept = make([]*kept, reasonCount)
	}
	k := r.kept[d.Reason]
	if k == nil || k.denial != d {
		k = &kept{denial: d, response: Render(d, r.Format)}
		if d.Limit != nil {
			k.response.GRPC = r.RateLimitedGRPC
			k.response.Headers = without(k.response.Headers, r.Omit)
		}
		r.kept[d.Reason] = k
	}
	return &k.response
}

// Render is the only place where a refusal becomes bytes; see Renderer. It
// depends on nothing but the denial, whose texts come from the table or from compiled
// configuration.
func Render(d Denial, f Format) Response {
	row := *d.Reason.row()
	text := row.text
	if d.Text != "" {
		text = d.Text
	}
	if d.Shape != nil {
		d.Shape.rule(&row)
	}
	contentType := "application/json"
	var body []byte
	switch {
	case d.Shape != nil && d.Shape.Body != nil:
		contentType, body = d.Shape.Body.contentType, d.Shape.Body.render(&row, text)
	case f == Problem:
		contentType, body = "application/problem+json", problemBody(&row, text)
	default:
		body = apigeeBody(&row, text)
	}
	h := Headers(make([]host.Header, 0, 8))
	h.Add("content-type", contentType)
	h.Add("cache-control", "no-store")
	h.Add(ReasonHeader, row.word)
	h.Add("www-authenticate", challengeValue(&row, d))
	if d.RetryAfterSeconds > 0 {
		h.Add(RetryAfterHeader, strconv.Itoa(d.RetryAfterSeconds))
	}
	if d.Limit != nil {
		h.Add(RateLimitHeader, RateLimitItem(d.Limit.Name, 0, d.RetryAfterSeconds))
		h.Add(RateLimitPolicyHeader, d.Limit.Policy)
	}
	if d.Shape != nil {
		h = d.Shape.replace(h)
	}
	if d.CORS != nil {
		d.CORS.AppendTo(&h, d.Origin)
	}
	return Response{Status: row.status, Headers: h, Body: body}
}

// Headers are the headers of a response that is being built.
type Headers []host.Header

// Add adds a header, unless its value is empty.
//
//go:noinline
func (h *Headers) Add(name, value string) {
	if value != "" {
		*h = append(*h, host.Header{Name: name, Value: value})
	}
}

func apigeeBody(r *row, text string) []byte {
	b := literal(make([]byte, 0, 160), `{"fault":{"faultstring":`)
	b = jsonobject.AppendString(b, text)
	b = literal(b, `,"detail":{"errorcode":`)
	b = jsonobject.AppendString(b, r.code)
	return literal(b, `}}}`)
}

func problemBody(r *row, text string) []byte {
	b := literal(make([]byte, 0, 160), `{"type":"about:blank","title":`)
	b = jsonobject.AppendString(b, text)
	b = literal(b, `,"status":`)
	b = strconv.AppendInt(b, int64(r.status), 10)
	b = literal(b, `,"reason":`)
	b = jsonobject.AppendString(b, r.word)
	b = literal(b, `,"errorcode":`)
	b = jsonobject.AppendString(b, r.code)
	return append(b, '}')
}

// literal is append, in one place: a copy for each text costs the guest 300
// bytes.
//
//go:noinline
func literal(b []byte, s string) []byte { return append(b, s...) }

// challengeValue is the WWW-Authenticate value, or "" for none. RFC 6750
// section 3.1: without credentials the challenge carries no error code.
func challengeValue(r *row, d Denial) string {
	bearer := `Bearer realm="` + realm + `"`
	if d.DPoP != "" {
		dpop := `DPoP realm="` + realm + `", algs="` + d.DPoP + `"`
		if r.challenge == bearerChallenge {
			return bearer + ", " + dpop
		}
		bearer = dpop
	}
	switch r.challenge {
	case keyChallenge:
		return `ApiKey realm="` + realm + `"`
	case bearerChallenge:
		return bearer
	case bearerInvalidRequest:
		return bearer + `, error="invalid_request"`
	case bearerInvalidToken:
		return bearer + `, error="invalid_token"`
	case proofChallenge:
		return bearer + `, error="invalid_dpop_proof"`
	case bearerInsufficientScope:
		value := bearer + `, error="insufficient_scope"`
		if d.Scope != "" {
			value += `, scope="` + d.Scope + `"`
		}
		return value
	}
	return ""
}
