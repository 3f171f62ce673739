package raisefault

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	of := shapeSchemas(lowestRaised)
	of["status"].WithDefault(defaultStatus)
	of["reason"] = decode.PrintableSchema("The errorcode in the body, and {{code}} in a body of your own.").WithExamples("orders.NotForThisTier")
	of["reason"].MaxLength = maxCode
	return policy.OptionsSchema(&optionMembers, "Refuses every request that reaches it, in the way that you choose.", of)
}

// FaultsSchema describes what DecodeFaults reads.
func FaultsSchema(about string) *decode.Schema {
	of := shapeSchemas(lowestRefusal)
	of["reasons"] = decode.ListSchema(`Reasons of refusals, groups of them, or "*". Of several rules for a reason, the first counts.`, decode.TextSchema("").WithExamples("api_key.missing", "token.*", "*"), 1, maxReasons)
	return decode.ListSchema(about, decode.ObjectSchema(&ruleMembers, "", of), 0, maxRules)
}

func shapeSchemas(lowest int) decode.Shapes {
	body := decode.TextSchema("A body of your own, in which {{" + strings.Join(denial.Variables, "}}, {{") + "}} stand for what the gateway says.")
	body.MaxLength = denial.MaxTemplateBytes
	header := decode.ObjectSchema(&headerMembers, "", decode.Shapes{
		"name":  decode.HeaderSchema("The header.").WithExamples("x-support"),
		"value": decode.HeaderValueSchema("Its value."),
	})
	contentType := decode.HeaderValueSchema("Of the body; by default " + defaultContentType + ".")
	contentType.MinLength = 1
	return decode.Shapes{
		"status":       decode.IntegerSchema("The HTTP status.", lowest, highest),
		"headers":      decode.ListSchema("Headers, each replacing the gateway's own of that name.", header, 0, maxHeaders),
		"body":         body,
		"content_type": contentType,
	}
}
