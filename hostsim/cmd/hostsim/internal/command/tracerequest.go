package command

import (
	"fmt"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// request makes the request of the flags. Messages quote no value: a header may be a credential.
func (f *traceFlags) request(url string) (hostsim.Request, error) {
	r, err := parseURL(url)
	if err != nil {
		return r, err
	}
	r.Method = f.method
	if !isToken(r.Method) {
		return r, fmt.Errorf("--method %q: write a method such as GET", r.Method)
	}
	for n, text := range f.headers {
		name, value, ok := strings.Cut(text, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok || !isToken(name):
			return r, fmt.Errorf("--header number %d: write 'name: value'", n+1)
		case strings.ContainsAny(value, "\r\n\x00"):
			return r, fmt.Errorf("--header %s: a value must not contain a line break or NUL", name)
		case strings.EqualFold(name, "host"):
			r.Authority = value
		default:
			r.Headers = append(r.Headers, abi.Header{Name: name, Value: value})
		}
	}
	if f.body != "" {
		r.Body, err = readFile("body", f.body, maxBody, "give the file with the body of the request")
	}
	return r, err
}

// parseURL takes scheme://authority/path?query. The path stays as it is written, escapes and all: filters judge it that
// way.
func parseURL(url string) (hostsim.Request, error) {
	const form = "write http://host/path or https://host/path"
	var r hostsim.Request
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return r, fmt.Errorf("the URL has no scheme: %s", form)
	}
	if scheme == "https" {
		r.Info.TLS = &hostsim.TLSInfo{Version: "TLSv1.3"}
	}
	if at := strings.IndexByte(rest, '#'); at >= 0 { // never sent
		rest = rest[:at]
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	r.Authority, r.Path = rest[:end], rest[end:]
	if !strings.HasPrefix(r.Path, "/") {
		r.Path = "/" + r.Path
	}
	switch {
	case r.Authority == "":
		return r, fmt.Errorf("the URL has no host: %s", form)
	case strings.Contains(r.Authority, "@"):
		return r, fmt.Errorf("the URL has credentials before its host: send them with --header 'authorization: ...'")
	case strings.ContainsFunc(rest, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return r, fmt.Errorf("the URL has a space or a control character: escape it, a space as %%20")
	}
	if r.Info.TLS != nil {
		r.Info.TLS.ServerName, _, _ = strings.Cut(r.Authority, ":")
	}
	return r, nil
}

// isToken is RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
