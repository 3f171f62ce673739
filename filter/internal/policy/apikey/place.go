package apikey

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/formdata"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// variable is Apigee's name of a place.
func variable(p policy.Place) string {
	if p.Header != "" {
		return "request.header." + p.Header
	}
	return "request.queryparam." + p.Query
}

// distinct leaves out places that are empty or repeated, so that one
// presentation is never taken for two.
//
//go:noinline
func distinct(places []policy.Place) []policy.Place {
	var kept []policy.Place
	for _, p := range places {
		if p != (policy.Place{}) && !p.Listed(kept) {
			kept = append(kept, p)
		}
	}
	return kept
}

// presented gives the last key that came in one of the places, and how many
// came: every header line and every parameter counts, empty ones too.
func presented(x *pipeline.Exchange, places []policy.Place) (key string, count int) {
	for _, p := range places {
		if p.Header == "" {
			if x.Query == "" {
				continue
			}
			var part string
			for left, more := x.Query, true; more; {
				part, left, more = strings.Cut(left, "&")
				name, value, _ := strings.Cut(part, "=")
				if formdata.DecodesTo(name, p.Query) {
					key = keyFromQuery(value)
					count++
				}
			}
			continue
		}
		if p.Scheme != "" {
			behind, n := behindScheme(p, x)
			if n > 0 {
				key = behind
				count += n
			}
			continue
		}
		for i := range x.Headers {
			if line := &x.Headers[i]; line.Name == p.Header {
				key = ascii.Trim(line.Value, " \t") // optional whitespace is not part of a value (RFC 9110 section 5.5)
				count++
			}
		}
	}
	return key, count
}

// behindScheme gives the last key in a header with a scheme, and how many values
// the header has, over all its lines: 0 when none has the scheme. Hosts join the
// lines of some headers with commas, so a key beside something else in one
// header is ambiguous either way.
func behindScheme(p policy.Place, x *pipeline.Exchange) (key string, count int) {
	found := false
	for i := range x.Headers {
		if x.Headers[i].Name != p.Header {
			continue
		}
		for value, more := x.Headers[i].Value, true; more; {
			var element string
			element, value, more = strings.Cut(value, ",")
			count++
			if behind, ok := cutScheme(element, p.Scheme); ok {
				key, found = behind, true
			}
		}
	}
	if !found {
		return "", 0
	}
	return key, count
}

// cutScheme gives what follows the scheme.
func cutScheme(value, scheme string) (key string, ok bool) {
	value = ascii.Trim(value, " \t")
	n := len(scheme)
	if len(value) < n || !ascii.EqualFold(value[:n], scheme) || len(value) > n && value[n] != ' ' && value[n] != '\t' {
		return "", false
	}
	return ascii.Trim(value[n:], " \t"), true
}

// keyFromQuery decodes a parameter's value, unless it is too long for a key
// whatever it decodes to; then it is left to be refused for its length.
func keyFromQuery(value string) string {
	if len(value) > len("%XX")*MaxKeyBytes {
		return value
	}
	return formdata.Decode(value)
}
