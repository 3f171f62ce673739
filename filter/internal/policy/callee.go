package policy

import "strings"

// Callee is a server that a step calls through a cluster of the proxy.
type Callee struct {
	// Cluster is the proxy's name for it, and Member says where the options have
	// it, such as "precheck.jwks.cluster".
	Cluster, Member string
	// Authority is the server's host, or host:port. It is "" if the options do
	// not say it, as for a service that is called by gRPC.
	Authority string
	// GRPC is for a server that is called over HTTP/2, by default without TLS.
	GRPC bool
}

// Calling is what a Kind whose steps call servers implements too. Like
// Described, only the command line uses it.
type Calling interface {
	// Callees are those of a step with these options, which Decode takes.
	Callees(options map[string]any) []Callee
}

// OptionText is the text at a place of the options, such as "jwks.cluster"; ""
// if there is none.
func OptionText(options map[string]any, place string) string {
	holder, name := optionAt(options, place)
	text, _ := holder[name].(string)
	return text
}

// SetOptionText replaces the text that OptionText gives, which must be there.
func SetOptionText(options map[string]any, place, text string) {
	holder, name := optionAt(options, place)
	holder[name] = text
}

// optionAt is the object that holds the place, and its name there; nil if there
// is none.
func optionAt(options map[string]any, place string) (holder map[string]any, name string) {
	for {
		name, rest, deeper := strings.Cut(place, ".")
		if !deeper {
			return options, name
		}
		options, _ = options[name].(map[string]any)
		place = rest
	}
}
