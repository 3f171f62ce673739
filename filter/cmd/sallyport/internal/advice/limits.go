package advice

import (
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// spike looks at a spike_arrest; known reports whether a step before it has
// found out who calls.
func (a *adviser) spike(at string, options *yaml.Node, known bool) {
	a.burst(at, options)
	for i, limit := range document.Items(document.Member(options, "limits")) {
		a.burst(at+".limits["+strconv.Itoa(i)+"]", limit)
	}
	name, ok := strings.CutPrefix(document.Text(options, "per"), "header:")
	if ok && !known {
		a.say(at+".per", "counts by %s before anybody is authenticated: a client that sends a new value gets a new limit. "+
			"Put the step after verify_api_key, or use client_ip", name)
	}
	if ok {
		a.underscore(at+".per", name)
	}
	if header := document.Text(document.Member(options, "weight"), "header"); header != "" {
		a.say(at+".weight", "is taken from %s: a client that leaves it out pays 1, unless a proxy in front sets it", header)
		a.underscore(at+".weight.header", header)
	}
}

// Bursts that surprise: at these rates per second, few requests may come
// together.
const (
	smoothFrom = 10
	smoothTo   = 100
)

// burst finds a default that refuses what most people would consider within the
// rate.
func (a *adviser) burst(at string, limit *yaml.Node) {
	digits, ok := strings.CutSuffix(document.Text(limit, "rate"), "ps")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < smoothFrom || n >= smoothTo || document.Text(limit, "burst") != "" {
		return
	}
	a.say(at, "allows %d requests at once, the default burst of %dps, and then one every %v: a client that sends more together is refused, "+
		"although it sends fewer than %d in a second. Set burst", n/10, n, (time.Second / time.Duration(n)).Round(time.Millisecond/10), n)
}
