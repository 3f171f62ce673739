package raisefault

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

const (
	maxCode    = 128 // bytes
	maxHeaders = 16
	maxRules   = 64
	maxReasons = 64 // of one rule

	// A fault that is raised may be any answer; one that shapes a refusal must
	// still be a refusal.
	lowestRaised, lowestRefusal, highest = 200, 400, 599

	defaultStatus      = 500 // Apigee's
	defaultContentType = "application/json"
)

var (
	optionMembers = decode.Members{Names: []string{"status", "reason", "headers", "body", "content_type"}}
	ruleMembers   = decode.Members{Names: []string{"reasons", "status", "headers", "body", "content_type"}, Required: 1}
	headerMembers = decode.Members{Names: []string{"name", "value"}, Required: 2}
)

// Policy is raise_fault.
type Policy struct{}

// Decode implements policy.Kind.
func (*Policy) Decode(r *decode.Reader, v decode.Value, p *policy.Plan) {
	s := shaping{lowest: lowestRaised}
	if p.Options(r, v, &optionMembers, func(name string, v decode.Value) { s.member(r, name, v) }) {
		shape := s.shape(r)
		if shape.Status == 0 {
			shape.Status = defaultStatus
		}
		p.Build = func(*policy.Site) pipeline.Step { return New(shape) }
	}
}

// DecodeFaults reads a list of rules; nil for none.
func DecodeFaults(r *decode.Reader, v decode.Value) *Faults {
	f, some := &Faults{}, false
	r.List(v, maxRules, func(v decode.Value) {
		s := shaping{lowest: lowestRefusal}
		var reasons []denial.Reason
		if r.Object(v, &ruleMembers, func(name string, v decode.Value) {
			if name == "reasons" {
				reasons = decodeReasons(r, v)
				return
			}
			s.member(r, name, v)
		}) {
			shape := s.shape(r)
			for _, reason := range reasons {
				f.Rule(reason, shape)
			}
			some = true
		}
	})
	if !some {
		return nil
	}
	return f
}

func decodeReasons(r *decode.Reader, v decode.Value) (reasons []denial.Reason) {
	count := 0
	r.List(v, maxReasons, func(v decode.Value) {
		count++
		word, ok := r.Text(v)
		if !ok {
			return
		}
		meant := Reasons(word)
		if len(meant) == 0 {
			r.Problem(`must be a reason such as "api_key.missing", a group of them such as "token.*", or "*", got ` + decode.Quote(word) + decode.Suggest(word, allReasons()))
		}
		reasons = append(reasons, meant...)
	})
	if count == 0 && v.IsList() {
		r.Problem(`must have at least one reason, or "*"`)
	}
	return reasons
}

func allReasons() []string {
	words := make([]string, denial.ReasonCount)
	for i := range words {
		words[i] = denial.Reason(i).String()
	}
	return words
}

// shaping is a shape that is being read.
type shaping struct {
	denial.Shape
	lowest            int
	body, contentType string
	hasBody, hasType  bool
}

func (s *shaping) member(r *decode.Reader, name string, v decode.Value) {
	switch name {
	case "status":
		s.Status = r.Integer(v, s.lowest, highest)
	case "reason":
		if s.Code = r.Printable(v); len(s.Code) > maxCode {
			r.Problem("must have at most " + strconv.Itoa(maxCode) + " bytes")
		}
	case "headers":
		r.List(v, maxHeaders, func(v decode.Value) { s.Headers = append(s.Headers, decodeHeader(r, v)) })
	case "body":
		s.body, s.hasBody = r.ShortText(v, denial.MaxTemplateBytes), true
		if _, err := denial.ParseTemplate(s.body, ""); err != nil {
			r.Problem(err.Error())
		}
	case "content_type":
		if s.contentType, s.hasType = r.HeaderValue(v), true; s.contentType == "" && v.IsString() {
			r.Problem("must not be empty; leave it out for " + defaultContentType)
		}
	}
}

// refused are the headers that a fault sets by other means.
var refused = []string{"content-type", denial.ReasonHeader}

func decodeHeader(r *decode.Reader, v decode.Value) (h host.Header) {
	r.Object(v, &headerMembers, func(name string, v decode.Value) {
		if name == "name" {
			h.Name = r.HeaderName(v, refused)
		} else {
			h.Value = r.HeaderValue(v)
		}
	})
	return h
}

// shape puts together what was read.
func (s *shaping) shape(r *decode.Reader) *denial.Shape {
	bodiless := s.Status == 204 || s.Status == 205 || s.Status == 304
	switch {
	case bodiless && s.body != "":
		r.ProblemAt("body", "must be empty with status "+strconv.Itoa(s.Status)+", which has no body")
	case s.hasType && s.body == "":
		r.ProblemAt("content_type", "needs a body")
	}
	switch {
	case s.body != "":
		if !s.hasType {
			s.contentType = defaultContentType
		}
		s.Body, _ = denial.ParseTemplate(s.body, s.contentType)
	case s.hasBody || bodiless:
		s.Body, _ = denial.ParseTemplate("", "")
	}
	return &s.Shape
}
