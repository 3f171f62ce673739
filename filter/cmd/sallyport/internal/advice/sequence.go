package advice

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// sequence looks at the steps of one sequence, in their order.
func (a *adviser) sequence(path string, sequence *yaml.Node) {
	a.quotas(path, sequence)
	seen := map[string]bool{}
	var tokens tokenSteps
	closed, asked := "", "" // the step that refuses everything, and the first that asks who calls
	for i, item := range document.Items(sequence) {
		name, options := step(item)
		at := at(path, i) + "." + name
		if !enabled(options) {
			a.say(at, "is switched off")
			continue
		}
		if document.Text(options, "dry_run") == "true" {
			a.say(at, "is in dry run: it refuses nothing")
		}
		if document.Text(options, "on_error") == "continue" {
			a.say(at, "lets requests pass while it cannot do its work (on_error: continue)")
		}
		if closed != "" {
			a.say(at, "is never reached: %s refuses every request", closed)
		}
		when := document.Member(options, "when")
		conditional := when != nil
		a.conditionHeaders(at+".when", when)
		if conditional && slices.Contains(asksWho, name) {
			a.say(at, "applies only to some requests (when): the others pass without it")
		}
		switch name {
		case "cors":
			if asked != "" {
				a.say(at, "comes after %s, which refuses preflights, because they have no key and no token: put it first", asked)
			}
		case "raise_fault":
			if !conditional && document.Text(options, "dry_run") != "true" {
				closed = at
			}
		case "set_headers":
			a.literals(at+".set", document.Member(options, "set"))
		case "verify_jwt":
			tokens.forWhom = tokens.forWhom || !conditional && document.Text(options, "dry_run") != "true"
		case "remove_api_key":
			if conditional {
				a.say(at, "removes the key only from some requests (when): the others carry it to the backend")
			}
		case "spike_arrest":
			a.smallBurst(at, options)
			if seen["introspect_token"] {
				a.say(at, "comes after introspect_token, so a flood reaches the authorization server: put it first")
			}
			a.spike(at, options, seen["verify_api_key"] || seen["introspect_token"])
		case "verify_api_key":
			a.keyPlaces(at+".from", document.Member(options, "from"))
		case "introspect_token":
			a.introspection(at, options)
			tokens.introspected(options)
		case "require_token":
			tokens.required(options)
		}
		seen[name] = true
		if asked == "" && slices.Contains(asksWho, name) {
			asked = name
		}
	}
	if seen["verify_api_key"] && !seen["remove_api_key"] {
		a.say(path, "verifies the API key but passes it on to the backend: add remove_api_key")
	}
	if seen["introspect_token"] && !tokens.forWhom {
		remedy := "give require_token an audience"
		if !seen["require_token"] {
			remedy = "add require_token with an audience"
		}
		a.say(path, "introspects the token but checks neither issuer nor audience: %s. "+
			"If the server does not say what a token is, only the audience tells an access token for this API from a refresh token or a token for another API", remedy)
	}
	if len(seen) > 0 && !seen["spike_arrest"] {
		a.say(path, "has no spike_arrest: nothing protects the other clients from a runaway one")
	}
}

// tokenSteps are what the steps of a sequence together require of a token.
type tokenSteps struct{ forWhom bool }

// introspected notes a precheck that no token gets around: an opaque one is not
// checked, and refresh tokens are opaque.
func (t *tokenSteps) introspected(options *yaml.Node) {
	precheck := document.Member(options, "precheck")
	mode, opaque := document.Text(precheck, "mode"), document.Text(precheck, "opaque")
	if document.Text(options, "dry_run") != "true" && document.Member(options, "when") == nil && (mode == "jwt_only" || mode == "jwt_then_introspect" && opaque == "deny") {
		t.forWhom = true
	}
}

// required notes a rule on issuer or audience.
func (t *tokenSteps) required(options *yaml.Node) {
	if document.Text(options, "dry_run") != "true" && document.Member(options, "when") == nil && (document.Text(options, "issuer") != "" || len(document.Items(document.Member(options, "audience"))) > 0) {
		t.forWhom = true
	}
}

// literals finds credentials that are written in plain text.
func (a *adviser) literals(path string, set *yaml.Node) {
	for i, setting := range document.Items(set) {
		switch name := strings.ToLower(document.Text(setting, "name")); name {
		case "authorization", "cookie", "x-api-key", "x-apikey", "apikey":
			if document.Text(setting, "value") != "" {
				a.say(at(path, i)+".value", "is the value of %s in plain text: anyone who can read the configuration has it", name)
			}
		}
	}
}

// keyPlaces finds headers that the shipped proxy never lets in.
func (a *adviser) keyPlaces(path string, from *yaml.Node) {
	for i, place := range document.Items(from) {
		a.underscore(at(path, i)+".header", document.Text(place, "header"))
	}
}

func (a *adviser) underscore(path, header string) {
	if strings.Contains(header, "_") {
		a.say(path, "%q has an underscore: Envoy as configured in envoy.yaml (headers_with_underscores_action: REJECT_REQUEST) answers 400 to every request that has it", header)
	}
}

// conditionHeaders finds such headers in a condition, and in those within it.
func (a *adviser) conditionHeaders(path string, when *yaml.Node) {
	a.underscore(path, document.Text(document.Member(when, "header"), "name"))
	if inner := document.Member(when, "not"); inner != nil {
		a.conditionHeaders(path, inner)
	}
	for _, list := range [...]string{"all", "any"} {
		for _, inner := range document.Items(document.Member(when, list)) {
			a.conditionHeaders(path, inner)
		}
	}
}

func (a *adviser) introspection(at string, options *yaml.Node) {
	a.inlineSecrets(at, options)
	precheck := document.Member(options, "precheck")
	mode, opaque := document.Text(precheck, "mode"), document.Text(precheck, "opaque")
	switch {
	case mode == "jwt_only" && !neverAsked(precheck):
		a.say(at+".precheck", "asks nobody about a token: a revoked one is accepted until it expires")
	case mode == "jwt_then_introspect" && opaque != "deny":
		a.say(at+".precheck", "lets tokens that are not JWTs through to the authorization server, garbage included: if it issues only JWTs, set opaque: deny")
	}
}

// neverAsked reports whether the issuer has no introspection endpoint, so that
// there is nothing else to do: Microsoft Entra ID.
func neverAsked(precheck *yaml.Node) bool {
	return strings.HasPrefix(document.Text(precheck, "issuer"), "https://login.microsoftonline.com/")
}

// inlineSecrets finds {inline: TEXT} at any depth.
func (a *adviser) inlineSecrets(at string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, v := n.Content[i].Value, n.Content[i+1]
		if name == "inline" && v.Kind == yaml.ScalarNode {
			a.say(at, "holds a secret in plain text: anyone who can read the configuration has it; use {env: NAME}")
			continue
		}
		a.inlineSecrets(at+"."+name, v)
	}
}
