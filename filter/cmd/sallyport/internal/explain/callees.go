package explain

import (
	"encoding/json"
	"slices"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// callees are those whom the steps of a configuration may call.
type callees struct {
	clusters []string
	keyPaths []string // where issuers have their keys
}

func calleesOf(config []byte) (c callees) {
	var root any
	if json.Unmarshal(config, &root) != nil {
		return c // who loaded it has said so
	}
	c.collect(root)
	return c
}

func (c *callees) collect(node any) {
	switch node := node.(type) {
	case map[string]any:
		if name, ok := node["cluster"].(string); ok {
			c.clusters = append(c.clusters, name)
		}
		if keys, ok := node["jwks"].(map[string]any); ok {
			path, _ := keys["path"].(string)
			c.keyPaths = append(c.keyPaths, path)
		}
		for _, child := range node {
			c.collect(child)
		}
	case []any:
		for _, child := range node {
			c.collect(child)
		}
	}
}

// askedForKeys looks for a fetch of keys among the calls that were made.
func (c *callees) askedForKeys(calls map[string][]scenario.Request) bool {
	for _, requests := range calls {
		if slices.ContainsFunc(requests, func(r scenario.Request) bool { return slices.Contains(c.keyPaths, r.Target) }) {
			return true
		}
	}
	return false
}
