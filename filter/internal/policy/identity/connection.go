package identity

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// connection names the headers that are for the next proxy alone (RFC 9110
// section 7.6.1). Hosts take it away themselves, but for an upgrade: Envoy passes
// it on then as it came, and takes none of those headers away.
const connection = "connection"

// options are those that name no header of the request's own. They are matched
// in any letter case.
var options = [...]string{"upgrade", "keep-alive", "close", "te", "http2-settings"}

// cleanConnection takes every other name out: a proxy behind this one would take
// that header away, and a client could unsay who calls.
//
//go:noinline
func cleanConnection(x *pipeline.Exchange) {
	kept, others := "", false
	for i := range x.Headers {
		if x.Headers[i].Name != connection {
			continue
		}
		for rest, more := x.Headers[i].Value, true; more; {
			var option string
			option, rest, more = strings.Cut(rest, ",")
			switch option = ascii.Trim(option, " \t"); {
			case option == "":
			case !isOption(option):
				others = true
			case kept == "":
				kept = option
			default:
				kept += ", " + option
			}
		}
	}
	switch {
	case !others:
	case kept == "":
		x.Edits.RemoveHeader(connection)
	default:
		x.Edits.SetHeader(connection, kept)
	}
}

func isOption(word string) bool {
	for _, o := range options {
		if ascii.EqualFold(word, o) {
			return true
		}
	}
	return false
}
