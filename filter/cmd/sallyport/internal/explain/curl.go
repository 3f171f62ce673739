package explain

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

// NewRequest is a request for an absolute URL. Headers are "Name: value". The path and the query are sent as they are,
// except for blanks: the gateway says what is wrong with them.
func NewRequest(method, target string, headers []string) (nativehost.Request, error) {
	wrong := errors.New("the URL must be absolute, as in https://api.example.com/orders/7")
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return nativehost.Request{}, wrong
	}
	rest, _, _ = strings.Cut(rest, "#")
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil || u.Hostname() == "" || strings.ContainsAny(authority, "\\ ") {
		return nativehost.Request{}, wrong
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	path = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ReplaceAll(path, " ", "%20"))
	r := nativehost.Request{Method: method, Target: path, Headers: []host.Header{{Name: "host", Value: u.Host}}}
	if u.User != nil {
		password, _ := u.User.Password()
		headers = append(headers, basic(u.User.Username()+":"+password))
	}
	for _, line := range headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nativehost.Request{}, errors.New("a header must be 'Name: value'") // what is there may be a key
		}
		if strings.EqualFold(strings.TrimSpace(name), "host") {
			r.Headers[0].Value = strings.TrimSpace(value)
			continue
		}
		r.Headers = append(r.Headers, host.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	return r, nil
}

func basic(credentials string) string {
	return "authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// curlLine is what the options of a curl command say about the request.
type curlLine struct {
	method, target  string
	headers, data   []string
	query           []string
	hasBody, asGet  bool
	head, json      bool
	form, multipart bool
	asIs, noGlob    bool // of the URL
}

// ParseCurl reads a curl command as browsers and colleagues copy it: a URL, options for headers, method, query and
// body, and switches that change nothing about the request.
func ParseCurl(line string) (nativehost.Request, error) {
	words, err := splitWords(line)
	if err != nil {
		return nativehost.Request{}, err
	}
	if len(words) > 0 && words[0] == "$" { // a prompt
		words = words[1:]
	}
	if len(words) == 0 || words[0] != "curl" && words[0] != "curl.exe" {
		return nativehost.Request{}, errors.New("a curl line must begin with curl")
	}
	var c curlLine
	if err := c.read(words[1:]); err != nil {
		return nativehost.Request{}, err
	}
	return c.request()
}

// read takes the words after curl.
func (c *curlLine) read(words []string) error {
	for i := 0; i < len(words); i++ {
		word := words[i]
		next := func(name string) (string, error) {
			if i++; i >= len(words) {
				return "", fmt.Errorf("%s needs a value", name)
			}
			return words[i], nil
		}
		var err error
		switch {
		case word == "--": // what follows are URLs
			for _, target := range words[i+1:] {
				if err := c.url(target); err != nil {
					return err
				}
			}
			return nil
		case strings.HasPrefix(word, "--"):
			err = c.long(word, next)
		case len(word) > 1 && word[0] == '-':
			err = c.short(word, next)
		default:
			err = c.url(word)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *curlLine) url(target string) error {
	if c.target != "" {
		return errors.New("there are two URLs: explain one request at a time")
	}
	if !strings.Contains(target, "://") && target != "" && !strings.HasPrefix(target, "/") {
		target = "http://" + target // as curl does
	}
	c.target = target
	return nil
}

// curl takes what is between brackets or braces in a URL for a list, except after a backslash, as Chrome writes them.
var (
	withoutEscapes = strings.NewReplacer(`\[`, "", `\]`, "", `\{`, "", `\}`, "")
	unescaped      = strings.NewReplacer(`\[`, "[", `\]`, "]", `\{`, "{", `\}`, "}")
)

// sentAsWritten refuses a URL that curl would change, or turn into several.
func (c *curlLine) sentAsWritten() error {
	path, _, _ := strings.Cut(c.target, "#")
	if !c.noGlob {
		if strings.ContainsAny(withoutEscapes.Replace(path), "[]{}") && !strings.Contains(path, "://[") {
			return errors.New("curl turns brackets and braces into several URLs: explain one of them, or add --globoff if they are meant literally")
		}
		c.target = unescaped.Replace(c.target)
	}
	path, _, _ = strings.Cut(path, "?")
	if c.asIs {
		return nil
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return errors.New("curl removes /./ and /../ from a URL before sending it: write the URL that is sent, or add --path-as-is")
		}
	}
	return nil
}

// long reads --name VALUE or --name=VALUE.
func (c *curlLine) long(word string, next func(string) (string, error)) error {
	name, value, attached := strings.Cut(word, "=")
	if switches[name] {
		return c.apply(name, "")
	}
	if !valued[name] {
		return fmt.Errorf("the curl option %s is not supported here", name)
	}
	if !attached {
		var err error
		if value, err = next(name); err != nil {
			return err
		}
	}
	return c.apply(name, value)
}

// short reads joined options: -sk, -XPOST, -HName:value.
func (c *curlLine) short(word string, next func(string) (string, error)) error {
	for i := 1; i < len(word); i++ {
		letter := "-" + word[i:i+1]
		name, known := shorts[letter]
		if !known {
			return fmt.Errorf("the curl option %s is not supported here", letter)
		}
		if switches[name] {
			if err := c.apply(name, ""); err != nil {
				return err
			}
			continue
		}
		value := word[i+1:]
		if value == "" {
			var err error
			if value, err = next(letter); err != nil {
				return err
			}
		}
		return c.apply(name, value)
	}
	return nil
}

// request puts together what the options said, as curl does.
func (c *curlLine) request() (nativehost.Request, error) {
	if c.target == "" {
		return nativehost.Request{}, errors.New("there is no URL")
	}
	if err := c.sentAsWritten(); err != nil {
		return nativehost.Request{}, err
	}
	target, body := c.target, strings.Join(c.data, "&")
	if c.json {
		body = strings.Join(c.data, "")
	}
	query := c.query
	if c.asGet && body != "" {
		query, body = append(query, body), ""
	}
	if len(query) > 0 {
		target, _, _ = strings.Cut(target, "#")
		join := "?"
		if strings.Contains(target, "?") {
			join = "&"
		}
		target += join + strings.Join(query, "&")
	}
	sends := c.hasBody && !c.asGet
	method := c.method
	switch {
	case method != "":
	case c.head:
		method = "HEAD"
	case sends:
		method = "POST"
	default:
		method = "GET"
	}
	r, err := NewRequest(method, target, c.headers)
	if err != nil {
		return r, err
	}
	if sends {
		r.Body = []byte(body)
		switch {
		case c.json:
			r.Headers = withDefault(withDefault(r.Headers, "content-type", "application/json"), "accept", "application/json")
		case c.form:
			r.Headers = withDefault(r.Headers, "content-type", "application/x-www-form-urlencoded")
		case c.multipart:
			r.Headers = withDefault(r.Headers, "content-type", "multipart/form-data; boundary=explained")
		}
	}
	return r, nil
}

// withDefault adds a header that the line did not name.
func withDefault(headers []host.Header, name, value string) []host.Header {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return headers
		}
	}
	return append(headers, host.Header{Name: name, Value: value})
}
