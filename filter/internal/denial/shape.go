package denial

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

// Shape is how an operator wants a refusal to read. What is zero stays as the
// gateway has it.
type Shape struct {
	Status int
	Code   string // in place of the errorcode
	// Headers, their names in lower case, replace those of the same name.
	Headers []host.Header
	Body    *Template
}

// rule applies the shape's status and code to the refusal.
func (s *Shape) rule(r *row) {
	if s.Status != 0 {
		r.status = s.Status
	}
	if s.Code != "" {
		r.code = s.Code
	}
}

func (s *Shape) replace(headers Headers) Headers {
	kept := 0
	for i := range headers {
		if !s.sets(headers[i].Name) {
			headers[kept] = headers[i]
			kept++
		}
	}
	return append(headers[:kept], s.Headers...)
}

func (s *Shape) sets(name string) bool {
	for i := range s.Headers {
		if s.Headers[i].Name == name {
			return true
		}
	}
	return false
}
