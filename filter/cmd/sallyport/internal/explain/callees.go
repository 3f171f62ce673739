package explain

import (
	"encoding/json"
	"slices"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

// callees are the servers that the steps of a configuration may call.
type callees struct {
	clusters []string
	keyPaths []string // where issuers have their keys
}

func calleesOf(config []byte) (c callees) {
	var root any
	if json.Unmarshal(config, &root) != nil {
		return c // the loader has reported it
	}
	document.Objects(root, func(object map[string]any) {
		if name, ok := object["cluster"].(string); ok {
			c.clusters = append(c.clusters, name)
		}
		if keys, ok := object["jwks"].(map[string]any); ok {
			path, _ := keys["path"].(string)
			c.keyPaths = append(c.keyPaths, path)
		}
	})
	return c
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
