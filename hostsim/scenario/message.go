package scenario

import (
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
	"golang.org/x/net/http/httpguts"
)

// Header is one header line. Repeated names are repeated lines.
type Header struct{ Name, Value string }

// HeaderValue is that of the first header of the name, in any letter case; "" for none.
func HeaderValue(headers []Header, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// Request is an HTTP/1.1 request as one side sent it or the other side read it.
type Request struct {
	Method string
	Target string // path and query verbatim, never re-encoded
	// Headers are the lines in order. The authority is a "host" header; there
	// are no pseudo headers.
	Headers []Header
	Body    []byte
	// Trailers make the body chunked.
	Trailers []Header
	// Pieces is how many bytes of the body a client sends at a time; 0 for all
	// at once.
	Pieces int
}

// Response is an HTTP/1.1 response.
type Response struct {
	Status  int
	Headers []Header
	Body    []byte
	// Trailers make the body chunked.
	Trailers []Header
}

const httpVersion = "HTTP/1.1"

// passage is a run of lines of the file, with the number of the first.
type passage struct {
	line int
	text string
}

// split cuts a message at its first empty line: the lines of the head and the
// body. The newline that ends the passage is not part of the body.
func (s passage) split() (head []string, body string) {
	text := strings.TrimSuffix(s.text, "\n")
	for {
		line, rest, more := strings.Cut(text, "\n")
		if line == "" {
			return head, rest
		}
		head = append(head, line)
		if !more {
			return head, ""
		}
		text = rest
	}
}

// parseRequest reads a request: "METHOD target HTTP/1.1", header lines, an empty
// line, the body. The strings keep their ${...}.
func parseRequest(s passage, p *problems) Request {
	head, body := s.split()
	if len(head) == 0 {
		p.addf(s.line, "request line is missing: write METHOD target %s", httpVersion)
		return Request{}
	}
	r := Request{Headers: parseHeaders(head[1:], s.line+1, p), Body: []byte(body)}
	method, rest, _ := strings.Cut(head[0], " ")
	target, ok := strings.CutSuffix(rest, " "+httpVersion)
	if !ok || !httpguts.ValidHeaderFieldName(method) || target == "" {
		p.addf(s.line, "request line %s is not METHOD target %s", quote(head[0]), httpVersion)
		return Request{}
	}
	r.Method, r.Target = method, target
	return r
}

// parseAnswerText reads a response as a cluster gives it: "HTTP/1.1 200", header
// lines, an empty line, the body.
func parseAnswerText(s passage, p *problems) Response {
	head, _ := s.split()
	if len(head) == 0 || !strings.HasPrefix(head[0], httpVersion+" ") {
		p.addf(s.line, "an answer starts with a line %s STATUS, %s STATUS or fault: WORD", httpVersion, grpcPrefix)
		return Response{}
	}
	return parseResponseAfter(httpVersion+" ", s, p)
}

// parseResponse reads a response as a client expects it: "200", header lines, an
// empty line, the body.
func parseResponse(s passage, p *problems) Response {
	return parseResponseAfter("", s, p)
}

func parseResponseAfter(prefix string, s passage, p *problems) Response {
	head, body := s.split()
	if len(head) == 0 {
		p.addf(s.line, "status line is missing: write %s200", prefix)
		return Response{}
	}
	status, err := strconv.Atoi(strings.TrimPrefix(head[0], prefix))
	if err != nil || status < 200 || status > 599 {
		p.addf(s.line, "status line %s is not %sSTATUS with a status from 200 to 599", quote(head[0]), prefix)
	}
	return Response{Status: status, Headers: parseHeaders(head[1:], s.line+1, p), Body: []byte(body)}
}

func parseHeaders(lines []string, first int, p *problems) []Header {
	var out []Header
	for i, line := range lines {
		if pattern.Is(line) {
			out = append(out, Header{Name: line})
			continue
		}
		name, value, ok := cutHeader(line)
		if !ok {
			p.addf(first+i, "header line %s is not name: value; the body starts after an empty line", quote(line))
			continue
		}
		out = append(out, Header{Name: name, Value: strings.Trim(value, " \t")})
	}
	return out
}

// cutHeader splits a line at its first colon outside ${...}.
func cutHeader(line string) (name, value string, ok bool) {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == ':':
			return line[:i], line[i+1:], i > 0
		case strings.HasPrefix(line[i:], "${"):
			end := strings.IndexByte(line[i:], '}')
			if end < 0 {
				return "", "", false
			}
			i += end
		}
	}
	return "", "", false
}
