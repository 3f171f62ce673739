package apigee

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

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
	limit, unit, ok := a.quotaNumbers(v, allow, &d)
	if !ok {
		return
	}
	limit, window, ok := a.quotaWindow(v, limit, &d)
	if !ok {
		return
	}
	per := "api"
	if ref := x.Child("Identifier").Attr("ref"); ref != "" {
		switch caller := a.callerOf(ref); caller {
		case "app", "client_ip":
			per = caller
		default:
			d.add("one limit for all callers together, as the filter cannot count by " + variableName(ref))
		}
	}
	options := mapping("per", per, "name", counterName(v.policy.Name), "limit", limit, "interval", units[unit].name, "window", window)
	d.add("counted in each Envoy by itself; for a common count, use mode: exact and a rate limit service")
	a.limited(v, step{name: "quota", options: options}, d)
}

// quotaNumbers gives the limit per unit of units; ok is false when the policy
// was denied.
func (a *api) quotaNumbers(v visit, allow *xmltree.Node, d *differences) (limit, unit int, ok bool) {
	x := v.policy.XML
	limit, err := strconv.Atoi(strings.TrimSpace(allow.Attr("count")))
	interval, intervalErr := strconv.Atoi(x.TextAt("Interval"))
	unit = -1
	for n, u := range units {
		if strings.EqualFold(x.TextAt("TimeUnit"), u.name) {
			unit = n
		}
	}
	switch {
	case err != nil && allow.Attr("countRef") != "":
		a.deny(v, "the limit is in a variable, and the policy has no other", "write the limit into the policy, or quotas of products")
		return 0, 0, false
	case err != nil || limit < 1 || intervalErr != nil || interval < 1 || unit < 0:
		a.deny(v, "limit, interval or unit cannot be read, or the unit is the second", "spike_arrest for seconds; otherwise fix the policy")
		return 0, 0, false
	}
	for _, ref := range []string{allow.Attr("countRef"), x.Child("Interval").Attr("ref"), x.Child("TimeUnit").Attr("ref")} {
		if ref != "" && !a.ownNumbers(v, ref, d) {
			return 0, 0, false
		}
	}
	limit, unit = stricter(limit, interval, unit, d)
	return limit, unit, true
}

// ownNumbers uses a policy's own numbers where a variable could have others,
// lower ones too, if the user says so.
func (a *api) ownNumbers(v visit, ref string, d *differences) bool {
	if !slices.Contains(a.options.Accept, v.policy.Name) {
		a.deny(v, "the variable "+variableName(ref)+" may have a lower limit than the policy itself", "--accept it, and the policy's own numbers apply")
		return false
	}
	a.accepted[v.policy.Name] = true
	d.add("the policy's own numbers apply, not those of the variable " + variableName(ref) + "; named harmless with --accept")
	return true
}

// quotaWindow gives the filter's window, and a limit that lets no more through
// in it than Apigee does in its own.
func (a *api) quotaWindow(v visit, limit int, d *differences) (int, string, bool) {
	switch kind := strings.ToLower(v.policy.XML.Attr("type")); kind {
	case "", "calendar":
		return limit, "calendar", true
	case "flexi":
		return limit, "rolling", true
	case "rollingwindow":
		if limit < 2 {
			a.deny(v, "a rolling window, for a single request", "spike_arrest")
			return 0, "", false
		}
		// Any such window overlaps two of the filter's.
		d.add("half of the limit, for windows that begin with the first request: so no more calls get through in any window than in Apigee")
		return limit / 2, "rolling", true
	}
	a.deny(v, "a type of quota that is not known here", "fix the policy")
	return 0, "", false
}

// ofProducts reports whether the limits are those of the caller's product and
// are known.
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

// quotaOfProducts leaves the numbers to the products. A product without numbers
// is not granted, as its calls would not be counted.
func (a *api) quotaOfProducts(v visit, d differences) {
	a.options.Catalog.quotas = true
	per := "product"
	if ref := v.policy.XML.Child("Identifier").Attr("ref"); ref != "" && a.callerOf(ref) == "app" {
		per = "app"
	}
	d.add("counted in each Envoy by itself; for a common count, use mode: exact and a rate limit service")
	said := v.say(a.context)
	a.inexact(said.Exact, &d)
	a.failing("ratelimit", v)
	a.addLimit(v, step{name: "quota", options: mapping("per", per, "name", counterName(v.policy.Name))}, said)
	a.carried(v, d)
}

// counterName is the policy's name, in characters that a counter's name allows.
func counterName(policy string) string {
	name := strings.NewReplacer("_", "-", "~", "-").Replace(fileNameOf(policy))
	const longest = 64
	return name[:min(len(name), longest)]
}

// stricter gives a limit for one unit that lets no more through than the one
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
