package tokenrules

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	return policy.OptionsSchema(&optionMembers, "Refuses tokens that are not active or do not match.", decode.Shapes{
		"issuer":     decode.VisibleSchema("iss, byte for byte."),
		"audience":   decode.ListSchema("aud has one of them.", decode.VisibleSchema(""), 0, maxRules),
		"client_ids": decode.ListSchema("client_id is one of them.", decode.PrintableSchema(""), 0, maxRules),
		"scopes":     decode.ListSchema("scope has all of them, in addition to one of the product's.", decode.TextSchema(""), 0, maxRules),
		"clock_skew": SkewSchema(),
		"token_type": decode.WordSchema("Whether token_type must be there. If it is, it must be that of an access token.", typeWords...).WithDefault(typeWords[0]),
	})
}

// SkewSchema is what is allowed at a token's times, at most MaxSkew.
func SkewSchema() *decode.Schema {
	return decode.DurationSchema("Allowed at exp and nbf.", 0, MaxSkew).WithDefault("0s")
}
