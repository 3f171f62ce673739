package ipaccess

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	rule := decode.ObjectSchema(&ruleMembers, "", decode.Shapes{
		"allow": decode.PrefixesSchema("Addresses that are allowed.", 1),
		"deny":  decode.PrefixesSchema("Addresses that are refused.", 1),
	}).ExactlyOne()
	return policy.OptionsSchema(&optionMembers, "Refuses clients by their address. The first rule that contains it decides.", decode.Shapes{
		"rules":   decode.ListSchema("", rule, 0, maxRules),
		"default": decode.WordSchema("For addresses that no rule contains.", defaultWords...).WithDefault(defaultWords[0]),
	})
}
