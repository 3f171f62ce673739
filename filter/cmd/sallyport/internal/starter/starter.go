// Package starter writes a first configuration: one API, one product, one app with a key, and the steps that guard them.
package starter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// Answers are what a first configuration is made from.
type Answers struct {
	API, Version, BasePath string
	Hosts                  []string // none: any
	App, Developer         string
	Scopes, TokenClients   []string
	KeyHeader, Rate        string
	Burst                  int

	Server        string // one of Kinds
	Issuer        string // URL
	Introspection string // URL, of rfc7662
	Audience      string
	ClientID      string
	SecretEnv     string // the variable with the client's secret; "" is a name made from the server's
}

// Known is an error for a server that is not one of Kinds.
func (a Answers) Known() error {
	if !slices.Contains(Kinds, a.Server) {
		return fmt.Errorf("--server must be one of %s, got %q", strings.Join(Kinds, ", "), a.Server)
	}
	return nil
}

// Variable is the environment variable that the gateway reads the client's secret from, "" for none.
func (a Answers) Variable() string {
	if a.Server == "none" || a.Server == "entra" {
		return ""
	}
	s, err := a.server()
	if err != nil {
		return ""
	}
	return s.secretEnv
}

// Plain reports whether the identity server is asked without TLS.
func (a Answers) Plain() bool {
	return a.Server != "none" && (strings.HasPrefix(a.Issuer, "http://") || strings.HasPrefix(a.Introspection, "http://"))
}

// Text is the configuration, for a key that has this id and this SHA-256.
func (a Answers) Text(keyID, keySHA256 string) ([]byte, error) {
	if err := a.Known(); err != nil {
		return nil, err
	}
	if strings.Contains(a.KeyHeader, "_") {
		return nil, fmt.Errorf("--key-header: %q has an underscore, and Envoy as configured here refuses every request that has it: use \"-\" instead", a.KeyHeader)
	}
	var b strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&b, format+"\n", values...) }
	line("# A first configuration, made by 'sallyport init'. Check it after each change: sallyport check --strict FILE")
	line("version: 1")
	line("")
	line("# What is served. A path below base_path belongs to this API.")
	line("apis:")
	line("- {name: %s, version: %s%s, base_path: %s}", word(a.API), word(a.Version), member("hosts", a.Hosts), word(a.BasePath))
	line("")
	line("# What may be called. An app is granted products.")
	line("products:")
	line("- {name: %s, apis: [{name: %s}]%s}", word(a.API), word(a.API), member("scopes", a.Scopes))
	line("")
	line("# Who calls. A key is kept as its SHA-256: 'sallyport keys mint' makes another one.")
	line("apps:")
	line("- name: %s", word(a.App))
	line("  developer: %s", word(a.Developer))
	line("  products: [%s]", word(a.API))
	if len(a.TokenClients) > 0 {
		line("  token_clients: [%s]", words(a.TokenClients))
	}
	line("  keys:")
	line("  - {id: %s, sha256: %s}", word(keyID), word(keySHA256))
	line("")
	line("# What each request goes through, in this order.")
	line("sequence:")
	line("- spike_arrest: {rate: %s, burst: %d, per: client_ip}", word(a.Rate), a.Burst)
	line("- verify_api_key: {from: [{header: %s}]}", word(a.KeyHeader))
	line("- remove_api_key: {}   # the backend never sees the key")
	if a.Server != "none" {
		s, err := a.server()
		if err != nil {
			return nil, err
		}
		a.tokens(line, s)
	}
	return []byte(b.String()), nil
}

// tokens writes the steps that look at the token.
func (a Answers) tokens(line func(string, ...any), s server) {
	line("- introspect_token:")
	if !s.onlyChecks {
		line("    cluster: %s   # the proxy's name for the server", word(s.cluster))
		line("    authority: %s", word(s.authority))
		line("    path: %s", word(s.introspection))
		line("    client_id: %s", word(a.ClientID))
		line("    client_secret: {env: %s}   # from the gateway's environment, never in this file", word(s.secretEnv))
	}
	if s.precheck || s.onlyChecks {
		line("    precheck:   # with the issuer's keys: garbage never reaches the server")
		if s.onlyChecks {
			line("      mode: jwt_only")
			line("      jwks: {cluster: %s, authority: %s, path: %s}", word(s.cluster), word(s.authority), word(s.jwks))
		} else {
			line("      mode: jwt_then_introspect")
			line("      opaque: deny")
			line("      jwks: {path: %s}", word(s.jwks))
		}
		line("      issuer: %s", word(a.Issuer))
		line("      audience: [%s]", word(a.Audience))
	}
	line("- require_token:")
	line("    issuer: %s", word(a.Issuer))
	line("    audience: [%s]", word(a.Audience))
}

// member is a list as one more member of a flow mapping, "" for an empty one.
func member(name string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return ", " + name + ": [" + words(values) + "]"
}

func words(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = word(v)
	}
	return strings.Join(all, ", ")
}

// plainWord are URLs, hosts and the like, which the library would put into quotes for their colons.
var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*(://|\.)[A-Za-z0-9./:@_-]*[A-Za-z0-9/]$`)

// word is a YAML string, in quotes where it needs them, also between brackets.
func word(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	n := yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle, Content: []*yaml.Node{document.Scalar(s)}}
	if n.Content[0].Style&yaml.LiteralStyle != 0 {
		n.Content[0].Style = yaml.DoubleQuotedStyle
	}
	text, err := yaml.Marshal(&n)
	if err != nil {
		return `""`
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(text)), "["), "]")
}
