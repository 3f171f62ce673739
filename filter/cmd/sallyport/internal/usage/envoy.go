package usage

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Envoy is the admin address of one Envoy, a URL. It knows totals since its start, and no times.
type Envoy string

// Read returns the totals.
func (e Envoy) Read(ctx context.Context, _ Period) (Record, error) {
	families, err := e.scrape(ctx)
	if err != nil {
		return Record{}, err
	}
	if !labelled(families) {
		r, _, err := e.readRaw(ctx, metricUsage)
		return r, err
	}
	return recordOf(families), nil
}

// labelled reports whether stats_tags made labels of what the filter writes into the names of its metrics, and all that
// are needed.
func labelled(families map[string]*dto.MetricFamily) bool {
	for _, m := range families[metricUsage].GetMetric() {
		if labels(m)["decision"] != "" {
			return !cutShort(families)
		}
	}
	return false
}

// cutShort reports whether the name of a metric still holds a label, as some
// stats_tags are missing.
func cutShort(families map[string]*dto.MetricFamily) bool {
	for name := range families {
		if strings.HasPrefix(name, metricUsage+"_sp_") {
			return true
		}
	}
	return false
}

// Keys returns when each key was last used, by its id.
func (e Envoy) Keys(ctx context.Context, _ time.Time) (map[string]time.Time, error) {
	families, err := e.scrape(ctx)
	if err != nil {
		return nil, err
	}
	used := map[string]time.Time{}
	if len(families[metricKeyUsed].GetMetric()) == 0 && !labelled(families) {
		_, used, err = e.readRaw(ctx, metricKeyUsed)
		return used, err
	}
	for _, m := range families[metricKeyUsed].GetMetric() {
		used[name(labels(m)["key"])] = time.Unix(int64(m.GetGauge().GetValue()), 0)
	}
	return used, err
}

func (e Envoy) scrape(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	body, err := fetch(ctx, string(e), "stats/prometheus", nil)
	if err != nil {
		return nil, fmt.Errorf("read Envoy's statistics: %w", err)
	}
	return parse(body)
}

func parse(text []byte) (map[string]*dto.MetricFamily, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("decode Envoy's statistics: %w", err)
	}
	return families, nil
}

// noTimes is what a single Envoy cannot tell.
var noTimes = Gap{Why: "a single Envoy knows only its totals since its start, and no times: a verdict needs --prometheus"}

func recordOf(families map[string]*dto.MetricFamily) Record {
	r := Record{latency: map[Party]histogram{}, Coverage: Coverage{Gaps: []Gap{noTimes}, Notes: []string{}}}
	for _, m := range families[metricUsage].GetMetric() {
		if calls := m.GetCounter().GetValue(); calls > 0 && !math.IsInf(calls, 1) && isCall(labels(m)) {
			r.Counts = append(r.Counts, Count{Series: seriesOf(labels(m)), Tally: Tally{Calls: calls}})
		}
	}
	for _, m := range families[metricLatency].GetMetric() {
		h := histogram{}
		for _, b := range m.GetHistogram().GetBucket() {
			h[b.GetUpperBound()] = float64(b.GetCumulativeCount())
		}
		r.latency[partyOf(labels(m))] = h
	}
	return r
}

func labels(m *dto.Metric) model.Metric {
	out := model.Metric{}
	for _, pair := range m.GetLabel() {
		out[model.LabelName(pair.GetName())] = model.LabelValue(pair.GetValue())
	}
	return out
}
