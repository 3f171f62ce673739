package advice

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// door is an API as this advice sees it.
type door struct {
	index      int
	name, base string   // base in lower case, "" for "/"
	hosts      []string // in lower case; none for any
}

// asksWho are the steps that refuse unidentified callers.
var asksWho = []string{"verify_api_key", "introspect_token", "verify_jwt", "require_token"}

// overlaps finds open APIs that are above guarded ones. The filter refuses the
// spellings of a path that it knows backends to read as another one; those that
// it does not know reach the open API.
func (a *adviser) overlaps(root *yaml.Node) {
	open := map[string][]door{} // by base path
	var guarded []door
	for i, api := range document.Items(document.Member(root, "apis")) {
		sequence := document.Member(api, "sequence")
		if sequence == nil {
			sequence = document.Member(root, "sequence")
		}
		d := door{index: i, name: document.Text(api, "name") + "/" + document.Text(api, "version"), base: strings.TrimSuffix(strings.ToLower(document.Text(api, "base_path")), "/")}
		for _, host := range document.Items(document.Member(api, "hosts")) {
			d.hosts = append(d.hosts, strings.ToLower(host.Value))
		}
		if asks(sequence) {
			guarded = append(guarded, d)
		} else {
			open[d.base] = append(open[d.base], d)
		}
	}
	said := map[int]bool{}
	for _, g := range guarded {
		for base := g.base; ; base = base[:strings.LastIndexByte(base, '/')] {
			for _, o := range open[base] {
				if !said[o.index] && meet(o.hosts, g.hosts) {
					said[o.index] = true
					a.say(at("apis", o.index), "is open and is above %s, which is guarded: whoever finds a spelling that only the backend knows, or another of its hosts, needs no key; "+
						"guard what is above, and open single paths below it", g.name)
				}
			}
			if base == "" {
				break
			}
		}
	}
}

// asks reports whether the sequence has a step that refuses unidentified
// callers.
func asks(sequence *yaml.Node) bool {
	for _, item := range document.Items(sequence) {
		name, options := step(item)
		if slices.Contains(asksWho, name) && enabled(options) && document.Text(options, "dry_run") != "true" {
			return true
		}
	}
	return false
}

// meet reports whether a request can be for hosts of both. None means any.
func meet(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for _, x := range a {
		for _, y := range b {
			if x == y || covers(x, y) || covers(y, x) {
				return true
			}
		}
	}
	return false
}

// covers reports whether the host is one of the wildcard's.
func covers(wildcard, host string) bool {
	suffix, ok := strings.CutPrefix(wildcard, "*")
	return ok && strings.HasSuffix(strings.TrimPrefix(host, "*"), suffix)
}
