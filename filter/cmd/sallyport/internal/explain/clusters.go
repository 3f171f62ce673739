package explain

import "encoding/json"

// clustersOf are the clusters that a configuration names anywhere.
func clustersOf(config []byte) (names []string) {
	var root any
	if json.Unmarshal(config, &root) != nil {
		return nil // who loaded it has said so
	}
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if name, ok := node["cluster"].(string); ok {
				names = append(names, name)
			}
			for _, child := range node {
				walk(child)
			}
		case []any:
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(root)
	return names
}
