package document

import "go.yaml.in/yaml/v3"

// OtherKind says what a file is that was given by mistake, "" for one that may be a configuration of the filter.
func OtherKind(root *yaml.Node) string {
	switch {
	case Member(root, "apis") != nil || Member(root, "sequence") != nil:
		return ""
	case Member(root, "static_resources") != nil || Member(root, "dynamic_resources") != nil:
		return "this is an Envoy bootstrap: pass it with --envoy. The filter's configuration is the text in configuration.value " +
			"of the filter: put that into a file of its own"
	case Member(root, "apiVersion") != nil && Member(root, "kind") != nil:
		return "this is a Kubernetes manifest (" + printable(Text(root, "kind")) + "): put the filter's configuration, which is in it, into a file of its own"
	}
	return ""
}

// printable is a word that cannot write on a terminal.
func printable(s string) string {
	for _, r := range s {
		if r < ' ' || r > '~' {
			return "of an unknown kind"
		}
	}
	return s
}
