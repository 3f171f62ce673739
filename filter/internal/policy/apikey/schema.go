package apikey

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Verify) Schema() *decode.Schema {
	return policy.OptionsSchema(&verifyMembers, "Refuses requests without the key of an app that has a product which grants this call.", decode.Shapes{"from": placesSchema("Where the key may be.")})
}

// Schema implements policy.Described.
func (*Remove) Schema() *decode.Schema {
	return policy.OptionsSchema(&removeMembers, "Removes the key from the request: from all places of verify_api_key, and from these.", decode.Shapes{"from": placesSchema("Further places.")})
}

func placesSchema(about string) *decode.Schema {
	query := decode.PatternSchema("A parameter of the query.", `^[0-9A-Za-z._~-]+$`).WithExamples("apikey")
	query.MaxLength = maxQueryName
	scheme := decode.PatternSchema("What precedes the key in the header, in any letter case.", "^[0-9A-Za-z!#$%&'*+.^_`|~-]+$").WithExamples("ApiKey")
	scheme.MaxLength = maxScheme
	place := decode.ObjectSchema(&placeMembers, "", decode.Shapes{
		"header": decode.HeaderSchema("A header.").WithExamples("x-api-key"),
		"query":  query,
		"scheme": scheme,
	}).OneOfThese("header", "query")
	place.Goes = map[string][]string{"scheme": {"header"}}
	return decode.ListSchema(about, place, 1, maxPlaces)
}
