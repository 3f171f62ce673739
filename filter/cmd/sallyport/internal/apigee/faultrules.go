package apigee

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/condition"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/proxy"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

// faultReasons are the filter's reasons for Apigee's fault names.
var faultReasons = map[string][]string{
	"spikearrestviolation":                   {"spike_arrest.exceeded"},
	"quotaviolation":                         {"quota.exceeded"},
	"failedtoresolveapikey":                  {"api_key.missing"},
	"invalidapikey":                          {"api_key.unknown", "api_key.ambiguous"},
	"apikeynotapproved":                      {"api_key.not_approved"},
	"invalidapikeyforgivenresource":          {"api_key.not_granted"},
	"consumer_key_expired":                   {"api_key.expired"},
	"invalid_client-app_not_approved":        {"app.not_approved"},
	"invalid_access_token":                   {"token.*"},
	"access_token_expired":                   {"token.expired"},
	"invalidaccesstoken":                     {"token.*"},
	"insufficientscope":                      {"token.scope_insufficient"},
	"ipdeniedaccess":                         {"ip_access.*"},
	"executionfailed":                        {"introspection.*"},
	"invalidjsonpath":                        {"introspection.no_active"},
	"invalidtoken":                           {"token.*"},
	"tokenexpired":                           {"token.expired"},
	"invalidapicallasnoapiproductmatchfound": {"api_key.not_granted"},
	"applicationnotfound":                    {"api.unknown"},
	"developerstatusnotactive":               {"app.not_approved"},
	"invalid_request-missing_token":          {"token.missing"},
}

var failedReasons = map[string]string{"ratelimit": "spike_arrest.exceeded", "verifyapikey": "api_key.*", "oauthv2": "token.*", "acl": "ip_access.*", "servicecallout": "introspection.*", "jwt": "token.*"}

// faultRules shape refusals. One that is not carried over lets nobody in.
func (a *api) faultRules() {
	rules := slices.Clone(a.endpoint.Faults)
	// The rules of a proxy endpoint are evaluated from the last one to the
	// first.
	count := 0
	for _, r := range rules {
		if !r.Default {
			count++
		}
	}
	slices.Reverse(rules[:count])
	for _, r := range rules {
		a.faultRule(r)
	}
	for _, r := range a.endpoint.Routes {
		if t := a.proxy.Target(r.Target); t != nil {
			for _, rule := range t.Faults {
				a.faultSteps(rule, "it is about faults of the backend, which the filter does not change")
			}
		}
	}
}

func (a *api) faultSteps(r proxy.FaultRule, why string) {
	for _, s := range r.Steps {
		p := a.proxy.Policy(s.Policy)
		if p == nil {
			a.problem(s.Place, "the step names the policy %q, but the bundle has no file for it", s.Policy)
			return
		}
		a.used[p] = true
		a.report.Items = append(a.report.Items, a.item("fault rule "+cmp.Or(r.Name, "default"), p, report.Dropped, why, "faults of the configuration, or Envoy's local_reply_config"))
	}
}

func (a *api) faultRule(r proxy.FaultRule) {
	reasons, ok := []string{"*"}, true
	if !r.Default || r.Condition != nil {
		reasons, ok = reasonsOf(r.Condition)
	}
	if !ok || r.Unread {
		a.faultSteps(r, "its condition looks at what the filter does not know")
		return
	}
	for _, s := range r.Steps {
		p := a.proxy.Policy(s.Policy)
		if p == nil {
			a.problem(s.Place, "the step names the policy %q, but the bundle has no file for it", s.Policy)
			return
		}
		a.used[p] = true
		v := visit{policy: p, at: s.Place, flow: "fault rule " + cmp.Or(r.Name, "default")}
		var d differences
		var f fault
		readable := false
		switch {
		case p.Off:
			a.say(v, report.Dropped, "it is switched off in Apigee", "")
			continue
		case s.Condition != nil:
			a.say(v, report.Dropped, "a step with a condition of its own", "faults of the configuration")
			continue
		case p.Type == "AssignMessage":
			f, readable = faultOf(p.XML, &d)
		case p.Type == "RaiseFault":
			f, readable = faultOf(p.XML.Child("FaultResponse"), &d)
		}
		if !readable || f.status == 0 && f.body == "" && len(f.headers) == 0 || f.status != 0 && (f.status < 400 || f.status > 599) {
			a.say(v, report.Dropped, "it does not shape the answer in a way that the filter can", insteadOf(p.Type))
			continue
		}
		n := mapping("reasons", reasons)
		if f.status != 0 {
			put(n, "status", f.status)
		}
		f.put(n)
		n.HeadComment = "Apigee's fault rule " + plainText(cmp.Or(r.Name, "default")) + ", " + p.Type + " " + plainText(p.Name)
		a.faults = append(a.faults, n)
		a.carried(v, d)
	}
}

// reasonsOf reads fault.name = "X" and lists of such conditions.
func reasonsOf(e condition.Expr) (reasons []string, ok bool) {
	switch e := e.(type) {
	case nil:
		return []string{"*"}, true
	case condition.Any:
		for _, sub := range e {
			more, ok := reasonsOf(sub)
			if !ok {
				return nil, false
			}
			reasons = append(reasons, more...)
		}
		return reasons, true
	case condition.Compare:
		variable := strings.ToLower(e.Variable)
		if variable == "fault.name" && (e.Op == condition.Equal || e.Op == condition.EqualFold || e.Op == condition.Matches) {
			reasons, ok = faultReasons[strings.ToLower(e.Value)]
			return reasons, ok
		}
		prefix, _, _ := strings.Cut(variable, ".")
		if reason, known := failedReasons[prefix]; known && strings.HasSuffix(variable, ".failed") && e.Op == condition.Equal && e.Value == "true" {
			return []string{reason}, true
		}
	}
	return nil, false
}
