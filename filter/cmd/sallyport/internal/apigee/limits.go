package apigee

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

var rate = regexp.MustCompile(`^([1-9][0-9]{0,6})\s*(ps|pm)$`)

const maxRate = 1_000_000

// differences collects what is to be said of a policy that was carried over.
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

// goesOn is about continueOnError, with which Apigee refuses nothing by itself.
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
		a.deny(v, "Rate stands twice", "mend the policy")
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
		a.deny(v, "the rate cannot be read", "mend the policy")
		return
	case r.Attr("ref") != "":
		d.add("the rate of the policy itself counts, not that of the variable " + variableName(r.Attr("ref")))
	}
	if n, _ := strconv.Atoi(m[1]); n > maxRate {
		m[1] = strconv.Itoa(maxRate)
		d.add("the rate is " + m[1] + m[2] + ", the highest that there is")
	}
	if w := x.Child("MessageWeight"); w != nil && w.Attr("ref") != "" {
		a.deny(v, "the weight of a request is in a variable", "spike_arrest with a fixed weight")
		return
	}
	options := mapping("rate", m[1]+m[2])
	if id := x.Child("Identifier"); id != nil && id.Attr("ref") != "" {
		if per := a.callerOf(id.Attr("ref")); per != "" {
			put(options, "per", per)
		} else {
			d.add("one limit for all callers together, as the filter does not know " + variableName(id.Attr("ref")))
		}
	}
	if strings.EqualFold(x.TextAt("UseEffectiveCount"), "true") {
		d.add("counted in each Envoy by itself, where Apigee's message processors share the rate")
	}
	said := v.say(a.context)
	a.inexact(said.Exact, &d)
	a.failing("ratelimit", v)
	a.add(v, step{name: "spike_arrest", options: options}, said)
	a.carried(v, d)
}

func (a *api) inexact(exact bool, d *differences) {
	if !exact {
		d.add("for more requests than in Apigee, as its condition cannot be said exactly")
	}
}

// failing notes that behind the policy its failure is no more.
func (a *api) failing(prefix string, v visit) {
	a.known[strings.ToLower(prefix+"."+v.policy.Name+".failed")] = known{value: "false"}
}

// callerOf gives what a limit is counted by, "" for what the filter does not know.
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

// variableName shows a reference if it is one, and not a text that came in its place.
func variableName(ref string) string {
	if len(ref) <= 128 && regexp.MustCompile(`^[A-Za-z0-9_.-]+$`).MatchString(ref) {
		return ref
	}
	return "in the policy"
}

var units = []struct {
	name    string
	seconds int
}{{"minute", 60}, {"hour", 3600}, {"day", 86400}, {"week", 604800}, {"month", 28 * 86400}}

func (a *api) quota(v visit) {
	x := v.policy.XML
	var d differences
	v.goesOn(&d)
	if w := x.Child("MessageWeight"); w != nil && w.Attr("ref") != "" {
		a.deny(v, "the weight of a request is in a variable", "quota with a fixed weight")
		return
	}
	if strings.EqualFold(x.TextAt("EnforceOnly"), "true") || strings.EqualFold(x.TextAt("CountOnly"), "true") || x.TextAt("SharedName") != "" {
		a.deny(v, "a counter that several policies share", "one quota step")
		return
	}
	allow := x.Child("Allow")
	limits := x.All("Allow")
	if a.ofProducts(x) {
		a.quotaOfProducts(v, d)
		return
	}
	if len(limits) != 1 || len(allow.Children) > 0 {
		a.deny(v, "limits by class, or none, or several", "quotas of products")
		return
	}
	limit, err := strconv.Atoi(strings.TrimSpace(allow.Attr("count")))
	interval, intervalErr := strconv.Atoi(x.TextAt("Interval"))
	unit := -1
	for n, u := range units {
		if strings.EqualFold(x.TextAt("TimeUnit"), u.name) {
			unit = n
		}
	}
	switch {
	case err != nil && allow.Attr("countRef") != "":
		a.deny(v, "the limit is in a variable, and the policy has no other", "write the limit into the policy, or quotas of products")
		return
	case err != nil || limit < 1 || intervalErr != nil || interval < 1 || unit < 0:
		a.deny(v, "limit, interval or unit cannot be read, or the unit is the second", "spike_arrest for seconds; else mend the policy")
		return
	}
	for _, ref := range []string{allow.Attr("countRef"), x.Child("Interval").Attr("ref"), x.Child("TimeUnit").Attr("ref")} {
		if ref != "" {
			d.add("the policy's own numbers count, not those of the variable " + variableName(ref))
		}
	}
	limit, unit = stricter(limit, interval, unit, &d)
	window := "calendar"
	switch kind := strings.ToLower(x.Attr("type")); kind {
	case "", "calendar":
	case "flexi":
		window = "rolling"
	case "rollingwindow":
		if limit < 2 {
			a.deny(v, "a window that rolls on with every request, for a single request", "spike_arrest")
			return
		}
		// In any such window lie parts of two of the filter's.
		limit, window = limit/2, "rolling"
		d.add("half of the limit, for windows that begin with the first request: so no more get through in any window than in Apigee")
	default:
		a.deny(v, "a type of quota that is not known here", "mend the policy")
		return
	}
	per := "api"
	if ref := x.Child("Identifier").Attr("ref"); ref != "" {
		switch caller := a.callerOf(ref); caller {
		case "app", "client_ip":
			per = caller
		default:
			d.add("one limit for all callers together, as the filter does not count by " + variableName(ref))
		}
	}
	options := mapping("per", per, "name", counterName(v.policy.Name), "limit", limit, "interval", units[unit].name, "window", window)
	d.add("counted in each Envoy by itself; for one count of all, mode: exact and a rate limit service")
	said := v.say(a.context)
	a.inexact(said.Exact, &d)
	a.failing("ratelimit", v)
	a.add(v, step{name: "quota", options: options}, said)
	a.carried(v, d)
}

// ofProducts reports whether the limits are those of the caller's product, and
// known.
func (a *api) ofProducts(x *xmltree.Node) bool {
	if len(a.keys) == 0 || a.options.Catalog == nil {
		return false
	}
	if x.Child("UseQuotaConfigInAPIProduct") != nil {
		return true
	}
	ref := strings.ToLower(x.Child("Allow").Attr("countRef"))
	return strings.HasPrefix(ref, "verifyapikey.") && strings.HasSuffix(ref, ".apiproduct.developer.quota.limit")
}

// quotaOfProducts leaves the numbers to the products. A product without any is
// not granted, as nobody would count its calls.
func (a *api) quotaOfProducts(v visit, d differences) {
	a.options.Catalog.quotas = true
	per := "product"
	if ref := v.policy.XML.Child("Identifier").Attr("ref"); ref != "" && a.callerOf(ref) == "app" {
		per = "app"
	}
	d.add("counted in each Envoy by itself; for one count of all, mode: exact and a rate limit service")
	said := v.say(a.context)
	a.inexact(said.Exact, &d)
	a.failing("ratelimit", v)
	a.add(v, step{name: "quota", options: mapping("per", per, "name", counterName(v.policy.Name))}, said)
	a.carried(v, d)
}

// counterName is the policy's, in letters that a counter takes.
func counterName(policy string) string {
	name := strings.NewReplacer("_", "-", "~", "-").Replace(fileNameOf(policy))
	const longest = 64
	return name[:min(len(name), longest)]
}

// stricter gives a limit for one unit that lets through no more than the one
// for several.
func stricter(limit, interval, unit int, d *differences) (int, int) {
	if interval == 1 {
		return limit, unit
	}
	if each := limit / interval; each >= 1 {
		d.add(strconv.Itoa(each) + " per " + units[unit].name + ", where Apigee has " + strconv.Itoa(limit) + " per " + strconv.Itoa(interval) + " " + units[unit].name + "s")
		return each, unit
	}
	length := units[unit].seconds * interval
	was := unit
	for unit < len(units)-1 && units[unit].seconds < length {
		unit++
	}
	d.add(strconv.Itoa(limit) + " per " + units[unit].name + ", where Apigee has them per " + strconv.Itoa(interval) + " " + units[was].name + "s")
	return limit, unit
}

func (a *api) accessControl(v visit) {
	var d differences
	v.goesOn(&d)
	rules := v.policy.XML.Child("IPRules")
	var nodes []*yaml.Node
	addresses := 0
	for _, rule := range rules.All("MatchRule") {
		action := strings.ToLower(rule.Attr("action"))
		var prefixes []string
		for _, s := range rule.All("SourceAddress") {
			p, ok := prefix(s)
			if !ok {
				a.deny(v, "an address or mask that cannot be read, or is in a variable", "ip_access with the addresses written out")
				return
			}
			prefixes = append(prefixes, p)
		}
		addresses += len(prefixes)
		if action != "allow" && action != "deny" || len(prefixes) == 0 {
			a.deny(v, "a rule without action or address", "mend the policy")
			return
		}
		nodes = append(nodes, flow(mapping(action, prefixes)))
	}
	byDefault := "allow"
	switch strings.ToUpper(rules.Attr("noRuleMatchAction")) {
	case "ALLOW", "":
	case "DENY":
		byDefault = "deny"
	default:
		a.deny(v, "noRuleMatchAction is neither ALLOW nor DENY", "mend the policy")
		return
	}
	const maxRules, maxPrefixes = 64, 256
	if rules == nil || len(nodes) == 0 || len(nodes) > maxRules || addresses > maxPrefixes {
		a.deny(v, "no rule, or more than the filter takes", "Envoy's RBAC filter")
		return
	}
	if v.policy.XML.Child("ClientIPVariable") != nil {
		d.add("the address is the one of client_ip, not that of a variable")
	}
	d.add("the address is the one that Envoy sees; behind a balancer set client_ip.trusted_hops")
	said := v.say(a.context)
	a.inexact(said.Exact, &d)
	a.failing("acl", v)
	a.add(v, step{name: "ip_access", options: mapping("rules", list(nodes...), "default", byDefault)}, said)
	a.carried(v, d)
}

// prefix reads <SourceAddress mask="24">198.51.100.1</SourceAddress>.
func prefix(n *xmltree.Node) (string, bool) {
	address, err := netip.ParseAddr(n.Text)
	if err != nil || address.Zone() != "" {
		return "", false
	}
	bits := address.BitLen()
	if m := strings.TrimSpace(n.Attr("mask")); m != "" {
		if bits, err = strconv.Atoi(m); err != nil {
			return "", false
		}
	}
	p, err := address.Prefix(bits)
	if err != nil {
		return "", false
	}
	return p.String(), true
}
