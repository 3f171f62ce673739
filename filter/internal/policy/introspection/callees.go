package introspection

import "github.com/sallyport-gateway/sallyport/filter/internal/policy"

// Callees implements policy.Calling: the server that is asked about tokens, and
// the one that has the keys.
func (*Policy) Callees(options map[string]any) (all []policy.Callee) {
	own := policy.Callee{
		Cluster: policy.OptionText(options, "cluster"), Member: "cluster",
		Authority: policy.OptionText(options, "authority"),
	}
	mode := policy.OptionText(options, "precheck.mode")
	if mode != modes[jwtOnly] {
		all = append(all, own)
	}
	precheck, _ := options["precheck"].(map[string]any)
	if precheck["jwks"] != nil && mode != modes[introspectAlways] {
		all = append(all, keysOf(options, "precheck.jwks", own))
	}
	return all
}

// Callees implements policy.Calling: the server that has the keys.
func (*JWT) Callees(options map[string]any) []policy.Callee {
	return []policy.Callee{keysOf(options, "jwks", policy.Callee{})}
}

// keysOf is where the keys at a place of the options come from: what that does
// not say is taken from otherwise.
func keysOf(options map[string]any, place string, otherwise policy.Callee) policy.Callee {
	if cluster := policy.OptionText(options, place+".cluster"); cluster != "" {
		otherwise.Cluster, otherwise.Member = cluster, place+".cluster"
	}
	if authority := policy.OptionText(options, place+".authority"); authority != "" {
		otherwise.Authority = authority
	}
	return otherwise
}
