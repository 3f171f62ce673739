package fidelity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// request reads directives ("# ...") and a request as scenarios have it.
func (p *parser) request(name, text string) (*Request, error) {
	r := &Request{}
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
	if r.Sent, err = scenario.ParseSent(p.c.Name, []byte(text), scenario.Vars{}); err != nil {
		return nil, err
	}
	r.Name = name
	if r.Times > 0 && !r.Background {
		return nil, errors.New("a request that is sent several times is one in the background")
	}
	if scenario.HeaderValue(r.Headers, "host") == "" {
		r.Headers = append([]scenario.Header{{Name: "host", Value: "example.com"}}, r.Headers...)
	}
	return r, nil
}

func (r *Request) directive(words []string) error {
	if len(words) == 1 && words[0] == "background" {
		r.Background = true
		return nil
	}
	if len(words) == 1 && words[0] == "timed" {
		r.Timed = true
		return nil
	}
	if len(words) != 2 {
		return errors.New("write background, timed or to PLUGIN")
	}
	if words[0] != "to" {
		return errors.New("unknown")
	}
	r.Plugin = words[1]
	return nil
}
