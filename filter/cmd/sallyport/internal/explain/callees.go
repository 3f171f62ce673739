package explain

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/config"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

// callees are the servers that the steps of a configuration may call.
type callees struct {
	root     any
	all      []config.Callee
	keyPaths []string // where issuers have their keys
}

func calleesOf(text []byte) (c callees) {
	if json.Unmarshal(text, &c.root) != nil {
		return c // the loader has reported it
	}
	c.all = config.Callees(c.root)
	document.Objects(c.root, func(object map[string]any) {
		if keys, ok := object["jwks"].(map[string]any); ok {
			path, _ := keys["path"].(string)
			c.keyPaths = append(c.keyPaths, path)
		}
	})
	return c
}

// ofSteps are the clusters that each step of an API's sequence calls, but for the steps that are switched off.
func (c *callees) ofSteps(api int) (all [][]string) {
	root, _ := c.root.(map[string]any)
	sequence, path := root["sequence"], "sequence"
	apis, _ := root["apis"].([]any)
	if own, _ := apis[api].(map[string]any); own["sequence"] != nil {
		sequence, path = own["sequence"], fmt.Sprintf("apis[%d].sequence", api)
	}
	steps, _ := sequence.([]any)
	for i, step := range steps {
		members, _ := step.(map[string]any)
		for name, value := range members {
			if options, _ := value.(map[string]any); options["enabled"] == false {
				continue
			}
			var clusters []string
			for _, callee := range c.all {
				if strings.HasPrefix(callee.Path, fmt.Sprintf("%s[%d].%s.", path, i, name)) && !slices.Contains(clusters, callee.Cluster) {
					clusters = append(clusters, callee.Cluster)
				}
			}
			all = append(all, clusters)
		}
	}
	return all
}

// askedForKeys looks for a fetch of keys among the calls that were made.
func (c *callees) askedForKeys(calls map[string][]nativehost.Request) bool {
	for _, requests := range calls {
		if slices.ContainsFunc(requests, func(r nativehost.Request) bool { return slices.Contains(c.keyPaths, r.Target) }) {
			return true
		}
	}
	return false
}
