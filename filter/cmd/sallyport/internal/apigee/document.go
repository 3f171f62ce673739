package apigee

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// plainText is a name as it is written in a comment.
func plainText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 || r == 0x85 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 100)], ""))
}

// document is the configuration as YAML.
func (i *importer) document() []byte {
	apis := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	var names []string
	for _, a := range i.apis {
		n := mapping("name", a.name, "version", a.version, "base_path", a.base)
		sequence := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, s := range a.steps {
			sequence.Content = append(sequence.Content, s.node())
		}
		put(n, "sequence", sequence)
		if len(a.faults) > 0 {
			put(n, "faults", list(a.faults...))
		}
		apis.Content = append(apis.Content, n)
		names = append(names, a.name)
	}
	root := mapping("version", 1, "apis", apis)
	if i.options.Catalog != nil {
		i.options.Catalog.put(root, i, names)
	}
	root.HeadComment = "Made by 'sallyport import apigee' from the proxy " + plainText(i.proxy.Name) + ".\nThe report beside it says what was carried over, and what is left to do."
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		i.problem(proxy.Place{File: i.proxy.Root, Line: 1}, "the configuration cannot be written: %v", err)
		return nil
	}
	return out.Bytes()
}

func (s *step) node() *yaml.Node {
	options := s.options
	if s.when != nil {
		put(options, "when", whenNode(*s.when))
	}
	n := mapping(s.name, options)
	switch {
	case s.comment != "":
		n.HeadComment = s.comment
	case s.policy != "":
		n.HeadComment = "Apigee: " + plainText(s.policy)
	}
	return n
}

// plainAddress is an address that is safe in a command which people copy.
var plainAddress = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)

// conclude gives the verdict and what is left to do.
func (i *importer) conclude(r *report.Proxy) {
	closed := len(i.apis) > 0
	for _, a := range i.apis {
		closed = closed && a.closed
	}
	denied, differs := r.Count(report.Denies), r.Count(report.Differs)
	switch {
	case denied > 0 && closed:
		r.Verdict = report.Closed
		r.Summary = fmt.Sprintf("%d of %d parts could not be carried over and might keep somebody out, so the API refuses every request until they are dealt with.", denied, len(r.Items))
	case denied > 0:
		r.Verdict = report.Partly
		r.Summary = fmt.Sprintf("%d of %d parts could not be carried over and might keep somebody out, so the API refuses the requests that meet them.", denied, len(r.Items))
	case differs > 0 || r.Count(report.Dropped) > 0:
		r.Verdict = report.Different
		r.Summary = "What keeps requests out is carried over. Read the differences before you switch."
	default:
		r.Verdict, r.Summary = report.Complete, "Everything is carried over."
	}
	var next []string
	if denied > 0 {
		next = append(next, "deal with the steps that deny: replace each, or import again with --accept POLICY for what is harmless")
	}
	next = append(next, r.Next...)
	for _, v := range r.Variables {
		next = append(next, "set the environment variable "+v.Name+" for the proxy: "+v.Holds)
	}
	file := path.Join(filepath.ToSlash(i.options.Out), fileNameOf(r.Name)+".yaml")
	next = append(next, "sallyport check --strict "+file)
	backend := "HOST:PORT"
	for _, t := range r.Targets {
		if plainAddress.MatchString(t.Address) {
			backend = t.Address
			if !strings.Contains(backend, ":") {
				backend += ":443"
			}
			break
		}
	}
	next = append(next, "sallyport render --for envoy --file "+file+" --backend "+backend+" > "+strings.TrimSuffix(file, filepath.Ext(file))+".envoy.yaml")
	r.Next = next
}
