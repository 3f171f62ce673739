package quota

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/usage"
)

// metricNear counts how often a party has come near its limit: once in a window,
// when it has spent nearPercent of it.
const metricNear = "sallyport_quota_near_limit."

const nearPercent = 80

// maxNear bounds how many parties one step of one VM names in metrics: hosts keep
// every name. The others are counted together.
const maxNear = 256

// near counts the parties that come near their limits.
type near struct {
	name    string // of the metric, as far as the quota's own label
	metrics host.Metrics
	named   map[usage.Party]string
}

func newNear(quota string, m host.Metrics) near {
	return near{name: metricNear + "sp_quota=" + quota + "|", metrics: m, named: map[usage.Party]string{}}
}

// note counts a party whose last hits have taken it so near; spent includes them.
func (n *near) note(s *step, x *pipeline.Exchange, t *terms, spent, last int64) {
	mark := (t.limit*nearPercent + 99) / 100
	if spent < mark || spent-last >= mark {
		return
	}
	var p usage.Party
	switch s.options.Per {
	case App:
		p.App = x.Caller.App
	case Product:
		p.Product = x.Caller.Product
	case API:
		p.API = x.API.Name
	}
	name, ok := n.named[p]
	switch {
	case ok:
	case len(n.named) < maxNear:
		name = n.name + p.Labels()
		n.named[p] = name
	default:
		name = n.name
	}
	n.metrics.Count(name)
}
