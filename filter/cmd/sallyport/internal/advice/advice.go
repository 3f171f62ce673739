// Package advice finds what a configuration may say but should not: what the filter accepts, but nobody rereading the
// document would have wanted.
package advice

import (
	"fmt"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// Finding is one piece of advice. Path is as in the problems of the filter's loader.
type Finding struct {
	Path, Message string
	// Error is for what cannot work, whatever was meant by it.
	Error bool
}

// soon is how long before its end a key is warned about.
const soon = 14 * 24 * time.Hour

// Of gives the findings for a configuration that the filter accepts. clusters are those of the proxy, nil when nothing
// is known about it.
func Of(root *yaml.Node, clusters *Clusters, now time.Time) []Finding {
	a := &adviser{now: now, clusters: clusters, allProducts: document.Items(document.Member(root, "products"))}
	a.sequences(root)
	a.callees(root)
	a.overlaps(root)
	a.keys(root)
	a.products(root)
	a.series(root)
	a.unverified(root)
	return a.findings
}

type adviser struct {
	now      time.Time
	clusters *Clusters
	findings []Finding

	allProducts []*yaml.Node
}

func (a *adviser) say(path, format string, args ...any) {
	a.findings = append(a.findings, Finding{Path: path, Message: fmt.Sprintf(format, args...)})
}

// fail is say for what cannot work.
func (a *adviser) fail(path, format string, args ...any) {
	a.findings = append(a.findings, Finding{Path: path, Message: fmt.Sprintf(format, args...), Error: true})
}

func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

func (a *adviser) sequences(root *yaml.Node) {
	apis := document.Items(document.Member(root, "apis"))
	byDefault := document.Member(root, "sequence")
	users := 0
	for i, api := range apis {
		own := document.Member(api, "sequence")
		if own == nil {
			users++
			if !anyEnabled(byDefault) {
				a.say(at("apis", i), "is open: the default sequence has no enabled step")
			}
			continue
		}
		path := at("apis", i) + ".sequence"
		if !anyEnabled(own) {
			a.say(path, "leaves the API %s/%s open: every request reaches the backend", document.Text(api, "name"), document.Text(api, "version"))
		}
		a.sequence(path, own)
	}
	if byDefault == nil {
		return
	}
	if users == 0 && len(apis) > 0 {
		a.say("sequence", "is never used: every API has its own")
	}
	a.sequence("sequence", byDefault)
}

func anyEnabled(sequence *yaml.Node) bool {
	for _, s := range document.Items(sequence) {
		if _, options := step(s); enabled(options) {
			return true
		}
	}
	return false
}

// step gives the name and the options of an item of a sequence.
func step(item *yaml.Node) (name string, options *yaml.Node) {
	if item.Kind != yaml.MappingNode || len(item.Content) < 2 {
		return "", nil
	}
	return item.Content[0].Value, document.Member(item, item.Content[0].Value)
}

func enabled(options *yaml.Node) bool { return document.Text(options, "enabled") != "false" }

// keys finds what has expired or will soon.
func (a *adviser) keys(root *yaml.Node) {
	for i, app := range document.Items(document.Member(root, "apps")) {
		keys := document.Items(document.Member(app, "keys"))
		path := at("apps", i)
		if len(keys) == 0 {
			a.say(path, "has no key, so nobody can call as %s", document.Text(app, "name"))
		}
		if len(document.Items(document.Member(app, "products"))) == 0 {
			a.say(path, "has no product, so all its calls are refused")
		}
		for j, k := range keys {
			expires, err := document.ParseTime(document.Text(k, "expires"))
			left := expires.Sub(a.now)
			status := document.Text(k, "status")
			switch {
			case err != nil || status == "revoked":
			case left <= 0:
				a.say(path+"."+at("keys", j), "expired on %s: remove it", expires.UTC().Format(time.DateOnly))
			case left < soon && status != "pending": // keys rotate refuses a pending one
				a.say(path+"."+at("keys", j), "expires in %d days, on %s: replace it with 'sallyport keys rotate --app %s --key %s --expires 90d'",
					int(left.Hours()/24), expires.UTC().Format(time.DateOnly), document.Text(app, "name"), document.Text(k, "id"))
			}
		}
	}
}

// products finds those that no app was granted.
func (a *adviser) products(root *yaml.Node) {
	granted := map[string]bool{}
	for _, app := range document.Items(document.Member(root, "apps")) {
		for _, p := range document.Items(document.Member(app, "products")) {
			granted[p.Value] = true
		}
	}
	for i, p := range document.Items(document.Member(root, "products")) {
		if name := document.Text(p, "name"); !granted[name] {
			a.say(at("products", i), "is not granted to any app")
		}
	}
}
