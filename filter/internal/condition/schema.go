package condition

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/catalog"
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// Definition is the name of Schema in the schema of the whole configuration.
const Definition = "when"

// Reference is Schema by reference, because conditions nest.
func Reference(about string) *decode.Schema {
	return &decode.Schema{Description: about, AllOf: []*decode.Schema{{Ref: "#/definitions/" + Definition}}}
}

// Schema describes what Decode reads.
func Schema() *decode.Schema {
	method := decode.PatternSchema("A method.", "^[A-Z_-]+$").WithExamples("GET")
	method.MaxLength = decode.MaxMethodBytes
	path := decode.PatternSchema("The path below the API's base path: * is one level or a part of one, ** at the end any rest.", "^/").WithExamples("/orders/**", "/reports/*.csv")
	path.MaxLength = catalog.MaxPathPatternBytes
	parameter := decode.TextSchema("The parameter, decoded.")
	parameter.MinLength, parameter.MaxLength = 1, maxName
	equals := func(about string) *decode.Schema {
		s := decode.TextSchema(about)
		s.MaxLength = maxValue
		return s
	}
	several := func(about string) *decode.Schema { return decode.ListSchema(about, Reference(""), 1, MaxLeaves) }
	return decode.ObjectSchema(&members, "Which requests a step is meant for.", decode.Shapes{
		"method": decode.Either("One of these methods.", method, decode.ListSchema("", method, 1, maxMethods)),
		"path":   path,
		"header": decode.ObjectSchema(&fieldMember, "A header of the request.", decode.Shapes{
			"name":   decode.HeaderSchema("The header.").WithExamples("x-channel"),
			"equals": equals("Its value, of any line or element; by default any."),
		}),
		"query": decode.ObjectSchema(&fieldMember, "A query parameter of the request.", decode.Shapes{
			"name":   parameter,
			"equals": equals("Its value, decoded once; by default any."),
		}),
		"all": several("Each of them holds."),
		"any": several("At least one of them holds."),
		"not": Reference("It does not hold."),
	}).ExactlyOne()
}
