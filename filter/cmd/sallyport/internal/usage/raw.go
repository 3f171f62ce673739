package usage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// rawPrefix begins the names of the filter's metrics as Envoy has them: the
// labels are in the name, whatever stats_tags make of them.
const rawPrefix = "wasmcustom."

// errNothing is for an Envoy that has no metric of the filter at all.
var errNothing = errors.New("it has no metric of the filter: no call was counted since its start (the filter reports every few seconds), it does not run the filter, " +
	"or its statistics leave out wasmcustom.sallyport (on Istio: proxyStatsMatcher; in a bootstrap: stats_config.stats_matcher)")

// readRaw reads the metrics from their names, which every Envoy shows, even
// without stats_tags. It fails when there is none that says what metric would.
func (e Envoy) readRaw(ctx context.Context, metric string) (Record, map[string]time.Time, error) {
	text, err := fetch(ctx, string(e), "stats", url.Values{"filter": {`^wasmcustom\.sallyport_(usage|latency_ms|key_last_used_seconds)\.`}, "histogram_buckets": {"cumulative"}})
	if err != nil {
		return Record{}, nil, fmt.Errorf("read Envoy's statistics: %w", err)
	}
	record, used := parseRaw(string(text))
	if len(record.Counts) == 0 && (metric == metricUsage || len(used) == 0) {
		return Record{}, nil, fmt.Errorf("read Envoy's statistics: %w", errNothing)
	}
	return record, used, nil
}

// parseRaw reads lines "NAME: VALUE"; lines that are not ours are skipped.
func parseRaw(text string) (r Record, used map[string]time.Time) {
	r = Record{latency: map[Party]histogram{}, Coverage: Coverage{Gaps: []Gap{noTimes}, Notes: []string{}}}
	used = map[string]time.Time{}
	for line := range strings.Lines(text) {
		line, ours := strings.CutPrefix(strings.TrimRight(line, "\r\n"), rawPrefix)
		at := strings.LastIndex(line, ": ")
		if !ours || at < 0 {
			continue
		}
		metric, labels := rawLabels(line[:at])
		value := line[at+2:]
		number, err := strconv.ParseFloat(value, 64)
		number = math.Max(number, 0)
		switch {
		case metric == metricUsage && err == nil && !math.IsInf(number, 1) && !math.IsNaN(number):
			if number > 0 {
				r.Counts = append(r.Counts, Count{Series: seriesOf(labels), Tally: Tally{Calls: number}})
			}
		case metric == metricKeyUsed && err == nil:
			used[name(labels["key"])] = time.Unix(int64(number), 0)
		case metric == metricLatency:
			if h := rawHistogram(value); len(h) > 0 {
				r.latency[partyOf(labels)] = h
			}
		}
	}
	return r, used
}

// rawLabels splits "sallyport_usage.sp_decision=allow|sp_app=shop|" into the
// metric and its labels.
func rawLabels(full string) (metric string, labels model.Metric) {
	metric, rest, _ := strings.Cut(full, ".")
	labels = model.Metric{}
	for part := range strings.SplitSeq(rest, "|") {
		if label, value, ok := strings.Cut(part, "="); ok {
			labels[model.LabelName(strings.TrimPrefix(label, "sp_"))] = model.LabelValue(value)
		}
	}
	return metric, labels
}

// rawHistogram reads "B10(0,50) B25(1,100)": what was counted up to each bound,
// in the last interval and in all.
func rawHistogram(text string) histogram {
	h := histogram{}
	most := 0.0
	for bucket := range strings.FieldsSeq(text) {
		bound, counts, ok := strings.Cut(strings.TrimPrefix(bucket, "B"), "(")
		_, all, both := strings.Cut(strings.TrimSuffix(counts, ")"), ",")
		upper, err := strconv.ParseFloat(bound, 64)
		count, countErr := strconv.ParseFloat(all, 64)
		if !ok || !both || err != nil || countErr != nil || math.IsNaN(upper) || math.IsNaN(count) || math.IsInf(count, 0) {
			return nil
		}
		h[upper] = count
		most = math.Max(most, count)
	}
	if len(h) > 0 {
		h[math.Inf(1)] = most
	}
	return h
}
