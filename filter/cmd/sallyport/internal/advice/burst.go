package advice

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

const (
	// connections is what a browser opens to one host at once.
	connections = 6
	// smooth is the part of a second that a burst should last: below it, requests that come together are refused
	// although the rate has room for all of them.
	smooth = 5
)

// smallBurst finds a burst that refuses what comes at once long before the rate is used up, such as 2 at 20 a second.
// The default is handled elsewhere, and 1 is what Apigee does: it is intended.
func (a *adviser) smallBurst(path string, limit *yaml.Node) {
	rate := document.Text(limit, "rate")
	burst, err := strconv.Atoi(document.Text(limit, "burst"))
	if err == nil && burst > 1 && burst < connections && burst*smooth < perSecond(rate) {
		a.say(path, "allows only %d requests at once (burst) and refuses a page that opens %d connections, although %s has room for them: set burst to about the number of requests in a second", burst, connections, rate)
	}
}

// perSecond is a rate that the filter accepts, in requests per second, rounded down.
func perSecond(rate string) int {
	unit := 1
	digits, ok := strings.CutSuffix(rate, "ps")
	if !ok {
		unit, digits = 60, strings.TrimSuffix(rate, "pm")
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n / unit
}

// unverified finds keys that nothing looks at.
func (a *adviser) unverified(root *yaml.Node) {
	apis := document.Items(document.Member(root, "apis"))
	if !hasKeys(root) || len(apis) == 0 {
		return
	}
	for _, api := range apis {
		sequence := document.Member(api, "sequence")
		if sequence == nil {
			sequence = document.Member(root, "sequence")
		}
		if verifies(sequence) {
			return
		}
	}
	a.say("apps", "have keys, but no sequence has a step that verifies them: add verify_api_key, otherwise nobody needs a key")
}

func hasKeys(root *yaml.Node) bool {
	for _, app := range document.Items(document.Member(root, "apps")) {
		if len(document.Items(document.Member(app, "keys"))) > 0 {
			return true
		}
	}
	return false
}

func verifies(sequence *yaml.Node) bool {
	for _, item := range document.Items(sequence) {
		if name, options := step(item); name == "verify_api_key" && enabled(options) {
			return true
		}
	}
	return false
}
