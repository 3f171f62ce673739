package usage

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
)

// The metrics. What is between "=" and "|" becomes a Prometheus label by the
// stats_tags of envoy-config/envoy.yaml.
const (
	metricUsage   = "sallyport_usage."
	metricLatency = "sallyport_latency_ms."
	metricKeyUsed = "sallyport_key_last_used_seconds."

	tagApp     = "sp_app="
	tagProduct = "sp_product="
	tagAPI     = "sp_api="
	tagVersion = "sp_version="
	tagClass   = "sp_class="
	tagKey     = "sp_key="
)

// counter says which series a call is counted in.
type counter struct {
	allowed, answered bool
	reason            denial.Reason
	party             Party
	class             int8 // 1 to 5, 0 when the client got nothing
}

func counterOf(c *Call) counter {
	k := counter{allowed: c.Allowed, answered: c.Answered, party: c.Party}
	if !c.Allowed && !c.Answered {
		k.reason = c.Reason
	}
	if 100 <= c.Status && c.Status < 600 {
		k.class = int8(c.Status / 100)
	}
	return k
}

// DenyLabel is the first label of a refusal.
const DenyLabel = "sp_decision=deny|"

// AnswerLabel is the only label of a request that was answered in the backend's
// place.
const AnswerLabel = "sp_decision=answer|"

// DecisionLabels are those of a decision; reason is why not.
func DecisionLabels(allowed bool, reason denial.Reason) string {
	if allowed {
		return "sp_decision=allow|"
	}
	return DenyLabel + ReasonLabel(reason)
}

// ReasonLabel is the label of a reason alone. One copy of it is enough for the
// module's size.
//
//go:noinline
func ReasonLabel(r denial.Reason) string { return "sp_reason=" + r.String() + "|" }

func (k *counter) appendName(b []byte) []byte {
	b = append(b, metricUsage...)
	if k.answered {
		b = append(b, AnswerLabel...)
	} else {
		b = append(b, DecisionLabels(k.allowed, k.reason)...)
	}
	b = k.party.appendLabels(b)
	if k.class != 0 {
		b = append(append(b, tagClass...), byte('0'+k.class), 'x', 'x', '|')
	}
	return b
}

// Labels leaves out what is not known.
func (p Party) Labels() string { return string(p.appendLabels(nil)) }

func (p Party) appendLabels(b []byte) []byte {
	for _, part := range [...]struct{ tag, value string }{{tagApp, p.App}, {tagProduct, p.Product}, {tagAPI, p.API}, {tagVersion, p.Version}} {
		if part.value != "" {
			b = append(appendLabel(append(b, part.tag...), part.value), '|')
		}
	}
	return b
}

// appendLabel makes a name fit for the name of a metric: what is not an
// unreserved character of RFC 3986 section 2.3 becomes %XX. Names of apps,
// products and keys are free text otherwise, and "|" ends a label.
func appendLabel(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c|0x20 && c|0x20 <= 'z', strings.IndexByte("-._~", c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
