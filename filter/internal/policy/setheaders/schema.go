package setheaders

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Schema implements policy.Described.
func (*Policy) Schema() *decode.Schema {
	attribute := func(about string) *decode.Schema {
		s := decode.TextSchema(about).WithExamples("tier")
		s.MinLength, s.MaxLength = 1, maxAttributeName
		return s
	}
	value := decode.HeaderValueSchema("This text.")
	value.MinLength = 1
	setting := decode.ObjectSchema(&settingMembers, "", decode.Shapes{
		"name":              decode.HeaderSchema("The header. A client's own is removed, in every spelling.").WithExamples("x-tier"),
		"value":             value,
		"claim":             decode.WordSchema("A claim of the token; lists are separated by blanks.", Claims...),
		"app_attribute":     attribute("An attribute of the app whose key was verified."),
		"product_attribute": attribute("An attribute of the product that grants the call."),
		"client_ip":         {Type: "boolean", Description: "The client's address.", Const: true},
	}).OneOfThese(sources...)
	return policy.OptionsSchema(&optionMembers, "Sets and removes headers of the request. Without a value, none is sent.", decode.Shapes{
		"set":    decode.ListSchema("Headers to set.", setting, 0, maxHeaders),
		"remove": decode.ListSchema("Headers to remove.", decode.HeaderSchema("").WithExamples("x-internal"), 0, maxHeaders),
	})
}
