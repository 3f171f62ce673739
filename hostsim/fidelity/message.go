package fidelity

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// maxTimes bounds the requests of one section. To a cluster Envoy sends no more than 1024 at a time.
const maxTimes = 1500

// request reads directives ("# ...") and a request as scenarios have it.
func (p *parser) request(name, text string) (*Request, error) {
	r := &Request{Name: name}
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
	var err error
	if r.Request, err = scenario.ParseRequest(p.c.Name, []byte(text), scenario.Vars{}); err != nil {
		return nil, err
	}
	if scenario.HeaderValue(r.Headers, "host") == "" {
		r.Headers = append([]scenario.Header{{Name: "host", Value: "example.com"}}, r.Headers...)
	}
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
		return errors.New("write background, timed, times N, to PLUGIN or gone DURATION")
	}
	switch words[0] {
	case "to":
		r.Plugin = words[1]
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
