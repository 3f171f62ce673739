package identity

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/decode"
)

// Schema describes what Headers.Decode reads.
func Schema() *decode.Schema {
	defaults := DefaultHeaders()
	of := decode.Shapes{}
	for i, name := range members.Names {
		s := decode.HeaderOrNoneSchema("The header that tells the backend the " + name + `; "" sends none.`)
		if header := *defaults.member(i); header != "" {
			s.Default = header
		}
		of[name] = s
	}
	return decode.ObjectSchema(&members, "The headers that tell the backend who calls. A client's own are removed.", of)
}
