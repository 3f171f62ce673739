package explain

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

// NewRequest is a request for an absolute URL. Headers are "Name: value".
func NewRequest(method, target string, headers []string) (nativehost.Request, error) {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return nativehost.Request{}, errors.New("the URL must be absolute, as in https://api.example.com/orders/7")
	}
	r := nativehost.Request{Method: method, Target: u.RequestURI(), Headers: []nativehost.Header{{Name: "host", Value: u.Host}}}
	for _, line := range headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nativehost.Request{}, errors.New("a header must be 'Name: value'") // what stands there may be a key
		}
		if strings.EqualFold(strings.TrimSpace(name), "host") {
			r.Headers[0].Value = strings.TrimSpace(value)
			continue
		}
		r.Headers = append(r.Headers, nativehost.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	return r, nil
}

// ParseCurl reads a curl command as browsers and colleagues copy it: a URL, -X, -H, -d and switches that change nothing
// of the request.
func ParseCurl(line string) (nativehost.Request, error) {
	words, err := splitWords(line)
	if err != nil {
		return nativehost.Request{}, err
	}
	if len(words) == 0 || words[0] != "curl" {
		return nativehost.Request{}, errors.New("a curl line must begin with curl")
	}
	method, target, body := "", "", ""
	var headers []string
	for words = words[1:]; len(words) > 0; words = words[1:] {
		option, value, attached := words[0], "", false
		if strings.HasPrefix(option, "--") {
			option, value, attached = strings.Cut(option, "=")
		}
		take := func() (string, error) {
			if attached {
				return value, nil
			}
			if len(words) < 2 {
				return "", fmt.Errorf("%s wants a value", option)
			}
			words = words[1:]
			return words[0], nil
		}
		switch option {
		case "-X", "--request":
			method, err = take()
		case "-H", "--header":
			var h string
			h, err = take()
			headers = append(headers, h)
		case "-d", "--data", "--data-raw", "--data-binary":
			body, err = take()
		case "--url":
			target, err = take()
		case "-s", "-S", "-sS", "-i", "-v", "-k", "-L", "--silent", "--show-error", "--include", "--verbose", "--insecure", "--location", "--compressed", "--http1.1", "--http2":
		default:
			if strings.HasPrefix(option, "-") {
				return nativehost.Request{}, fmt.Errorf("the option %s of curl is not understood here", option)
			}
			target = words[0]
		}
		if err != nil {
			return nativehost.Request{}, err
		}
	}
	if method == "" {
		if method = "GET"; body != "" {
			method = "POST"
		}
	}
	r, err := NewRequest(method, target, headers)
	r.Body = []byte(body)
	return r, err
}

// splitWords splits as a shell does: quotes, backslashes and continued lines; nothing is expanded.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	inWord := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'':
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				return nil, errors.New("a ' is not closed")
			}
			word.WriteString(line[i+1 : i+1+end])
			i, inWord = i+1+end, true
		case c == '"':
			inWord = true
			for i++; i < len(line) && line[i] != '"'; i++ {
				if line[i] == '\\' && i+1 < len(line) && strings.IndexByte("\"\\$`\n", line[i+1]) >= 0 {
					i++
				}
				word.WriteByte(line[i])
			}
			if i == len(line) {
				return nil, errors.New("a \" is not closed")
			}
		case c == '\\' && i+1 < len(line):
			if i++; line[i] != '\n' {
				word.WriteByte(line[i])
				inWord = true
			}
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
