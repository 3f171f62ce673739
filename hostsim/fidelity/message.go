package fidelity

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// maxRepeat bounds what ${repeat:N:TEXT} makes.
const maxRepeat = 64 << 20

// maxTimes bounds the requests of one section. To a cluster Envoy sends no more than 1024 at a time.
const maxTimes = 1500

func defaultUpstream() Answer {
	return Answer{Status: 200, Headers: hostsim.Headers{{Name: "content-type", Value: "text/plain"}}, Body: []byte("backend")}
}

// parseRequest reads directives ("# ..."), a request line, headers, trailers ("+name: value"), an empty line, a body.
func parseRequest(name, text string) (*Request, error) {
	r := &Request{Name: name, Host: "example.com"}
	for strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		if err := r.directive(strings.Fields(line[1:])); err != nil {
			return nil, fmt.Errorf("directive %q: %w", line, err)
		}
		text = rest
	}
	if r.Background && name == "" {
		return nil, errors.New("a request in the background needs a name")
	}
	first, rest, _ := strings.Cut(text, "\n")
	words := strings.Fields(first)
	if len(words) != 3 || words[2] != "HTTP/1.1" {
		return nil, fmt.Errorf("%q is not METHOD target HTTP/1.1", first)
	}
	r.Method, r.Target = words[0], words[1]
	var err error
	if r.Headers, r.Trailers, r.Body, err = parseMessage(rest); err != nil {
		return nil, err
	}
	r.Headers = slices.DeleteFunc(r.Headers, func(h hostsim.Header) bool {
		if h.Name == "host" {
			r.Host = h.Value
		}
		return h.Name == "host"
	})
	return r, nil
}

func (r *Request) directive(words []string) (err error) {
	if len(words) == 1 && words[0] == "background" {
		r.Background = true
		return nil
	}
	if len(words) == 1 && words[0] == "timed" {
		r.Timed = true
		return nil
	}
	if len(words) != 2 {
		return errors.New("write background, timed, times N, to PLUGIN, pieces N or gone DURATION")
	}
	switch words[0] {
	case "to":
		r.Plugin = words[1]
	case "pieces":
		r.Pieces, err = strconv.Atoi(words[1])
	case "times":
		if r.Times, err = strconv.Atoi(words[1]); err == nil && (r.Times < 1 || r.Times > maxTimes || !r.Background) {
			err = fmt.Errorf("want 1 to %d, after background", maxTimes)
		}
	case "gone":
		r.Gone, err = time.ParseDuration(words[1])
	default:
		return errors.New("unknown")
	}
	return err
}

var faults = []upstream.Fault{upstream.FaultUnknown, upstream.FaultNoEndpoints, upstream.FaultRefuse, upstream.FaultReset, upstream.FaultTimeout,
	upstream.FaultNotHTTP, upstream.FaultResetMidBody, upstream.FaultTimeoutMidBody}

// parseAnswer reads "# delay DURATION" and "# fault FAULT", each if any, and then "HTTP/1.1 STATUS" and a message. Only a
// fault without headers needs no message.
func parseAnswer(text string) (Answer, error) {
	a := Answer{}
	for strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		words := strings.Fields(line[1:])
		switch {
		case len(words) == 2 && words[0] == "delay":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				return a, err
			}
			a.Delay = d
		case len(words) == 2 && words[0] == "fault" && slices.Contains(faults, upstream.Fault(words[1])):
			a.Fault = upstream.Fault(words[1])
		default:
			return a, fmt.Errorf("directive %q: write delay DURATION or fault and one of %v", line, faults)
		}
		text = rest
	}
	if strings.TrimSpace(text) == "" && a.Fault != "" {
		return a, nil
	}
	first, rest, _ := strings.Cut(text, "\n")
	code, ok := strings.CutPrefix(strings.TrimSpace(first), "HTTP/1.1 ")
	status, err := strconv.Atoi(code)
	if !ok || err != nil {
		return a, fmt.Errorf("%q is not HTTP/1.1 STATUS", first)
	}
	a.Status = status
	a.Headers, a.Trailers, a.Body, err = parseMessage(rest)
	return a, err
}

// parseMessage reads headers, trailers among them with a + before the name, an empty line and a body. The newline that
// ends the section is no part of the body.
func parseMessage(text string) (headers, trailers hostsim.Headers, body []byte, err error) {
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, nil, nil, fmt.Errorf("%q is no header", line)
		}
		value = strings.TrimPrefix(value, " ")
		if value, err = expand(value); err != nil {
			return nil, nil, nil, err
		}
		if trailer, ok := strings.CutPrefix(name, "+"); ok {
			trailers = append(trailers, hostsim.Header{Name: trailer, Value: value})
		} else {
			headers = append(headers, hostsim.Header{Name: name, Value: value})
		}
	}
	expanded, err := expand(strings.TrimSuffix(text, "\n"))
	return headers, trailers, []byte(expanded), err
}

// expand replaces ${repeat:N:TEXT}.
func expand(s string) (string, error) {
	before, rest, ok := strings.Cut(s, "${repeat:")
	if !ok {
		return s, nil
	}
	inner, after, closed := strings.Cut(rest, "}")
	count, text, split := strings.Cut(inner, ":")
	n, err := strconv.Atoi(count)
	if !closed || !split || err != nil || n < 0 || n*len(text) > maxRepeat {
		return "", fmt.Errorf("%q is not ${repeat:N:TEXT}", "${repeat:"+inner)
	}
	if after, err = expand(after); err != nil {
		return "", err
	}
	return before + strings.Repeat(text, n) + after, nil
}
