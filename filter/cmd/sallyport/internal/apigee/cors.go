package apigee

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/report"
	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/apigee/xmltree"
)

const anyOrigin = "*"

var (
	goodOrigin = regexp.MustCompile(`^https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?$`)
	goodMethod = regexp.MustCompile(`^[A-Z]{1,32}$`)
)

// cors allows pages of other origins to call. What is left out keeps them out.
func (a *api) cors(v visit) {
	x := v.policy.XML
	var d differences
	origins := corsOrigins(x.TextAt("AllowOrigins"), &d)
	if len(origins) == 0 {
		a.say(v, report.Dropped, "no origin that the filter can judge; pages of other origins are kept out by their browsers", "the step cors, with the origins written out")
		return
	}
	credentials := strings.EqualFold(x.TextAt("AllowCredentials"), "true")
	if credentials && origins[0] == anyOrigin {
		credentials = false
		d.add("without credentials, which must not go to pages of any origin")
	}
	options := mapping("allow_origins", origins)
	const mostMethods, mostHeaders = 16, 64
	corsList(options, "allow_methods", x.Child("AllowMethods"), mostMethods, !credentials, &d)
	corsList(options, "allow_headers", x.Child("AllowHeaders"), mostHeaders, !credentials, &d)
	corsList(options, "expose_headers", x.Child("ExposeHeaders"), mostHeaders, !credentials, &d)
	if n, err := strconv.Atoi(x.TextAt("MaxAge")); err == nil && n > 0 {
		const longest = 86400
		put(options, "max_age", strconv.Itoa(min(n, longest))+"s")
	}
	if credentials {
		put(options, "allow_credentials", true)
	}
	if strings.EqualFold(x.TextAt("GeneratePreflightResponse"), "false") {
		d.add("answers preflights itself, which Apigee leaves to the backend")
	}
	d.add("responses of the backend get their headers from Envoy's cors filter, or the backend")
	if a.find("cors") < 0 {
		a.steps = append([]step{{name: "cors", options: options, policy: v.policy.Name}}, a.steps...)
	} else {
		d.add("not added, as there already is one")
	}
	a.carried(v, d)
}

// corsOrigins gives the origins as browsers write them, or ["*"].
func corsOrigins(text string, d *differences) (origins []string) {
	for _, o := range splitList(text) {
		o = strings.ToLower(o)
		scheme, _, _ := strings.Cut(o, "://")
		o = strings.TrimSuffix(o, map[string]string{"https": ":443", "http": ":80"}[scheme])
		switch {
		case o == anyOrigin, o == "{request.header.origin}":
			return []string{anyOrigin}
		case goodOrigin.MatchString(o):
			origins = append(origins, o)
		default:
			d.add("without an origin that is built from variables or is not valid")
		}
	}
	slices.Sort(origins)
	origins = slices.Compact(origins)
	const most = 64
	if len(origins) > most {
		d.add("without the origins beyond the " + strconv.Itoa(most) + "th")
		origins = origins[:most]
	}
	return origins
}

// corsList adds methods or headers, or ["*"] where that is allowed.
func corsList(options *yaml.Node, member string, n *xmltree.Node, most int, star bool, d *differences) {
	if n == nil {
		return
	}
	var list []string
	for _, s := range splitList(n.Text) {
		upper := strings.ToUpper(s)
		switch {
		case s == anyOrigin && star:
			put(options, member, []string{anyOrigin})
			return
		case s == anyOrigin || strings.ContainsAny(s, "{}"):
			d.add("without " + n.Name + " that are not written out")
		case member == "allow_methods" && goodMethod.MatchString(upper):
			list = append(list, upper)
		case member != "allow_methods" && plainHeader(s):
			list = append(list, strings.ToLower(s))
		}
	}
	slices.Sort(list)
	if list = slices.Compact(list); len(list) > most {
		d.add("without the " + n.Name + " beyond the " + strconv.Itoa(most) + "th")
		list = list[:most]
	}
	if len(list) > 0 {
		put(options, member, list)
	}
}
