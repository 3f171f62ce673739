package apigee

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
)

var rate = regexp.MustCompile(`^([1-9][0-9]{0,6})\s*(ps|pm)$`)

const maxRate = 1_000_000

// differences collects remarks about a policy that was carried over.
type differences []string

func (d *differences) add(s string) {
	if !slices.Contains(*d, s) {
		*d = append(*d, s)
	}
}

func (a *api) carried(v visit, d differences) {
	if len(d) == 0 {
		a.say(v, report.Carried, "", "")
		return
	}
	a.say(v, report.Differs, strings.Join(d, "; "), "")
}

// goesOn is about continueOnError, with which Apigee itself refuses nothing.
func (v *visit) goesOn(d *differences) {
	if v.policy.ContinueOnError {
		d.add("refuses at once: Apigee goes on (continueOnError) and leaves the refusal to a later step")
	}
}

func (a *api) spikeArrest(v visit) {
	x := v.policy.XML
	var d differences
	v.goesOn(&d)
	r := x.Child("Rate")
	if len(x.All("Rate")) > 1 {
		a.deny(v, "Rate is there twice", "fix the policy")
		return
	}
	literal := ""
	if r != nil {
		literal = strings.ToLower(r.Text)
	}
	m := rate.FindStringSubmatch(literal)
	switch {
	case m == nil && r != nil && r.Attr("ref") != "":
		a.deny(v, "the rate is in a variable, and the policy has no other", "write the rate into the policy")
		return
	case m == nil:
		a.deny(v, "the rate cannot be read", "fix the policy")
		return
	case r.Attr("ref") != "" && !a.ownNumbers(v, r.Attr("ref"), &d):
		return
	}
	if over, _ := strconv.Atoi(m[1]); over > maxRate {
		m[1] = strconv.Itoa(maxRate)
		d.add("the rate is " + m[1] + m[2] + ", the highest rate allowed")
	}
	if w := x.Child("MessageWeight"); w != nil && w.Attr("ref") != "" {
		a.deny(v, "the weight of a request is in a variable", "spike_arrest with a fixed weight")
		return
	}
	n, _ := strconv.Atoi(m[1])
	options := mapping("rate", m[1]+m[2], "burst", max(1, n/10)) // Apigee's maxBurstMessageCount
	if id := x.Child("Identifier"); id != nil && id.Attr("ref") != "" {
		per := a.callerOf(id.Attr("ref"))
		switch {
		case strings.HasPrefix(per, "header:") && len(a.keys) == 0:
			d.add("one limit for all callers together: an unidentified client could send something new in " + variableName(id.Attr("ref")))
		case per != "":
			put(options, "per", per)
		default:
			d.add("one limit for all callers together, as the filter does not know " + variableName(id.Attr("ref")))
		}
	}
	if strings.EqualFold(x.TextAt("UseEffectiveCount"), "true") {
		d.add("counted in each Envoy by itself, where Apigee's message processors share the rate")
	}
	a.limited(v, step{name: "spike_arrest", options: options}, d)
}

// limited takes over a policy that limits calls, as a step.
func (a *api) limited(v visit, s step, d differences) {
	said := v.say(a.context)
	a.inexact(said.Exact, &d)
	a.failing("ratelimit", v)
	a.addLimit(v, s, said)
	a.carried(v, d)
}

func (a *api) inexact(exact bool, d *differences) {
	if !exact {
		d.add("for more requests than in Apigee, as its condition cannot be expressed exactly")
	}
}

// failing notes that after the policy it has not failed.
func (a *api) failing(prefix string, v visit) {
	a.known[strings.ToLower(prefix+"."+v.policy.Name+".failed")] = known{value: "false"}
}

// callerOf gives what a limit is counted by, "" when the filter does not know
// it.
func (a *api) callerOf(ref string) string {
	lower := strings.ToLower(ref)
	if header, ok := strings.CutPrefix(lower, "request.header."); ok {
		for _, k := range a.keys {
			if k.header == header {
				return "app"
			}
		}
		if plainHeader(header) {
			return "header:" + header
		}
		return ""
	}
	switch lower {
	case "client.ip", "proxy.client.ip", "client.resolved.ip":
		return "client_ip"
	}
	if len(a.keys) == 0 {
		return ""
	}
	if lower == "client_id" || strings.HasPrefix(lower, "verifyapikey.") && (strings.HasSuffix(lower, ".client_id") || strings.HasSuffix(lower, ".developer.app.name") || strings.HasSuffix(lower, ".developer.app.id") || strings.HasSuffix(lower, ".app.name")) {
		return "app"
	}
	if query, ok := strings.CutPrefix(ref, "request.queryparam."); ok {
		for _, k := range a.keys {
			if k.query == query {
				return "app"
			}
		}
	}
	return ""
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+.^_|~-]{1,128}$`)

func plainHeader(s string) bool { return headerName.MatchString(s) }

// variableName shows a reference if it is one, and not some text in its place.
func variableName(ref string) string {
	if len(ref) <= 128 && regexp.MustCompile(`^[A-Za-z0-9_.-]+$`).MatchString(ref) {
		return ref
	}
	return "in the policy"
}
