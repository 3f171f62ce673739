package e2e

import (
	"context"
	"errors"
	"strings"
)

// wrongAudience refuses every token of the authority.
var wrongAudience = strings.ReplaceAll(fullSequence, "api://default", "api://other")

var audienceDenied = outcome{status: 401, reason: "token.audience_mismatch"}

func updateWhileParked(s *site) {
	for _, c := range []struct {
		name, from, to         string
		parkedWant, afterwards outcome
	}{
		{"stricter", fullSequence, wrongAudience, admitted, audienceDenied},
		{"laxer", wrongAudience, keyAlone, audienceDenied, admitted},
	} {
		name := "gwupdate" + c.name
		s.serve(plan{name: name, config: policies(s.t, c.from)})
		p, letGo := s.parked(name, post(request("parked-"+c.name), "a body"))
		s.serve(plan{name: name, config: policies(s.t, c.to)})
		s.do(c.name+": by the new configuration, beside the parked one", name, request("new-"+c.name), c.afterwards)
		letGo()
		s.ends(c.name+": parked under the old configuration", p, c.parkedWant)
		s.do(c.name+": the next", name, request("next-"+c.name), c.afterwards)
		s.settled()
		s.drained()
		s.do(c.name+": after the old one was deleted", name, request("deleted-"+c.name), c.afterwards)
		s.settled()
	}
}

// updateDrainsParked: the old root context is deleted with a request, and a call, still under way.
func updateDrainsParked(s *site) {
	s.serve(plan{name: "gwdrain", config: policies(s.t, fullSequence)})
	p, letGo := s.parked("gwdrain", request("drained"))
	s.serve(plan{name: "gwdrain", config: policies(s.t, keyAlone)})
	s.drained()
	<-p.ended
	if p.err == nil || errors.Is(p.err, context.DeadlineExceeded) {
		s.t.Errorf("the drained request ended with status %d and error %v, want its connection to be closed", p.got.Status, p.err)
	}
	letGo()
	s.do("the next request", "gwdrain", request("after-drain"), admitted)
	s.settled()
}

func refusedUpdate(s *site) {
	s.serve(plan{name: "gwrefused", config: policies(s.t, wrongAudience)})
	parked, letGo := s.parked("gwrefused", request("parked-at-refusal"))
	for name, bad := range map[string]string{
		"unknown member": strings.Replace(fullSequence, "timeout:", "timeuot:", 1),
		"no document":    "- [",
	} {
		config := []byte(bad)
		if name != "no document" {
			config = policies(s.t, bad)
		}
		if s.takes(plan{name: "gwrefused", config: config}) {
			s.t.Errorf("%s: envoy took the configuration", name)
		}
		s.do(name+": the next request", "gwrefused", request("refused-"+strings.Fields(name)[0]), audienceDenied)
	}
	letGo()
	s.ends("parked before the refusal", parked, audienceDenied)
	s.serve(plan{name: "gwrefused", config: policies(s.t, fullSequence)})
	s.do("after a good update", "gwrefused", request("mended"), admitted)
}
