package advice

import (
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

// seriesOfACaller is the least that one app that calls one version of an API takes: a counter and its latency. Each
// status class and each reason of a refusal is one more.
const seriesOfACaller = 2

// series finds a catalog that the bound of its metrics cannot hold: whoever comes last is then counted under other.
func (a *adviser) series(root *yaml.Node) {
	bound := config.DefaultMaxSeries
	if text := document.Text(document.Member(root, "usage"), "max_series"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n == 0 { // 0 is on purpose
			return
		}
		bound = n
	}
	if callers := callersOf(root); callers*seriesOfACaller > bound {
		a.say("usage.max_series", "allows %d metrics, but %d apps can call %d API versions in total: some would be counted under \"other\"; raise it, or set it to 0 for none",
			bound, len(document.Items(document.Member(root, "apps"))), callers)
	}
}

// callersOf counts the pairs of an app and a version of an API that it may call.
func callersOf(root *yaml.Node) (callers int) {
	versions := map[string][]string{} // by the API's name
	all := 0
	for _, api := range document.Items(document.Member(root, "apis")) {
		name := document.Text(api, "name")
		versions[name] = append(versions[name], document.Text(api, "version"))
		all++
	}
	grants := map[string]map[[2]string]bool{} // by the product's name; nil for all APIs
	for _, product := range document.Items(document.Member(root, "products")) {
		var granted map[[2]string]bool
		if apis := document.Member(product, "apis"); apis != nil {
			granted = map[[2]string]bool{}
			for _, api := range document.Items(apis) {
				name, only := document.Text(api, "name"), document.Text(api, "version")
				for _, version := range versions[name] {
					if only == "" || only == version {
						granted[[2]string{name, version}] = true
					}
				}
			}
		}
		grants[document.Text(product, "name")] = granted
	}
	for _, app := range document.Items(document.Member(root, "apps")) {
		may, everything := map[[2]string]bool{}, false
		for _, product := range document.Items(document.Member(app, "products")) {
			granted, known := grants[product.Value]
			everything = everything || known && granted == nil
			for pair := range granted {
				may[pair] = true
			}
		}
		if everything {
			callers += all
		} else {
			callers += len(may)
		}
	}
	return callers
}
