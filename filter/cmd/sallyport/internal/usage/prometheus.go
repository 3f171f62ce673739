package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

const (
	// slice is how much of a period one query reads: a server refuses queries of too many samples at once.
	slice = 24 * time.Hour
	// before is how far before a period to look for the value that a counter began with.
	before = time.Hour
	// keyHistory is how far back the last use of a key is looked for.
	keyHistory = 90 * 24 * time.Hour
)

// Prometheus is a Prometheus server, or whatever else has its HTTP API.
type Prometheus struct {
	Address string // URL
	Job     string // the scrape job of the gateways; empty for any
}

// Read counts from raw samples. A day of a period is read at once.
func (p Prometheus) Read(ctx context.Context, period Period) (Record, error) {
	counts := map[model.Fingerprint]*Count{}
	gateways := map[string]*watch{}
	watches := map[string]*watch{}
	err := p.samples(ctx, metricUsage, period, func(m model.Metric, at time.Time, value float64) {
		gateways[gateway(m)] = nil
		if !isCall(m) {
			return
		}
		c := counts[m.Fingerprint()]
		if c == nil {
			c = &Count{Series: seriesOf(m)}
			counts[m.Fingerprint()] = c
		}
		c.Add(period, at, value)
	})
	if err != nil {
		return Record{}, err
	}
	err = p.samples(ctx, metricUptime, period, func(m model.Metric, at time.Time, seconds float64) {
		w := watches[gateway(m)]
		if w == nil {
			w = &watch{}
			watches[gateway(m)] = w
		}
		w.add(at, time.Duration(seconds*float64(time.Second)))
	})
	if err != nil {
		return Record{}, err
	}
	if len(counts) == 0 {
		if err := p.inNames(ctx, metricUsage, period.Until); err != nil {
			return Record{}, err
		}
	}
	for name := range gateways {
		gateways[name] = watches[name]
	}
	latency, err := p.latency(ctx, period)
	if err != nil {
		return Record{}, err
	}
	r := Record{Period: period, Coverage: coverage(period, gateways), latency: latency}
	for _, c := range counts {
		r.Counts = append(r.Counts, *c)
	}
	return r, nil
}

// Keys returns when each key was last used, by its id.
func (p Prometheus) Keys(ctx context.Context, now time.Time) (map[string]time.Time, error) {
	var found model.Vector
	err := p.query(ctx, fmt.Sprintf("max by (key) (max_over_time(%s[%s]))", p.selector(metricKeyUsed), promDuration(keyHistory)), now, &found)
	used := map[string]time.Time{}
	if err == nil && len(found) == 0 {
		err = p.inNames(ctx, metricKeyUsed, now)
	}
	for _, s := range found {
		used[name(s.Metric["key"])] = time.Unix(int64(s.Value), 0)
	}
	return used, err
}

// inNames fails when Prometheus has a metric of the filter with the labels in its name, where characters are lost: what
// is counted there cannot be attributed.
func (p Prometheus) inNames(ctx context.Context, metric string, at time.Time) error {
	matchers := "__name__=~" + strconv.Quote(metric+"_sp_.+")
	if p.Job != "" {
		matchers += ",job=" + strconv.Quote(p.Job)
	}
	var found model.Vector
	if err := p.query(ctx, "count({"+matchers+"})", at, &found); err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("this Prometheus has %s with the labels in its name (%s_sp_...), so calls cannot be attributed: "+
		"add the stats_tags of envoy-config/envoy.yaml to the gateways' bootstrap, or query each gateway with --envoy, which reads the names themselves", metric, metric)
}

// gateway is what a sample was scraped from.
func gateway(m model.Metric) string {
	if m["instance"] == "" {
		return string(m["job"])
	}
	return string(m["instance"])
}

// samples gives each series' samples in the order of their times.
func (p Prometheus) samples(ctx context.Context, metric string, period Period, each func(model.Metric, time.Time, float64)) error {
	for from := period.From.Add(-before); from.Before(period.Until); from = from.Add(slice) {
		until := from.Add(slice)
		if until.After(period.Until) {
			until = period.Until
		}
		var found model.Matrix
		if err := p.query(ctx, p.selector(metric)+"["+promDuration(until.Sub(from))+"]", until, &found); err != nil {
			return err
		}
		for _, stream := range found {
			for _, s := range stream.Values {
				each(stream.Metric, s.Timestamp.Time(), float64(s.Value))
			}
		}
	}
	return nil
}

// latency is how much the histograms grew from the beginning to the end; one that was reset counts from there.
func (p Prometheus) latency(ctx context.Context, period Period) (map[Party]histogram, error) {
	buckets := p.selector(metricLatency + "_bucket")
	var end, begin model.Vector
	if err := p.query(ctx, fmt.Sprintf("last_over_time(%s[%s])", buckets, promDuration(period.Until.Sub(period.From))), period.Until, &end); err != nil {
		return nil, err
	}
	if err := p.query(ctx, buckets, period.From, &begin); err != nil {
		return nil, err
	}
	had := map[model.Fingerprint]float64{}
	for _, s := range begin {
		delete(s.Metric, model.MetricNameLabel) // functions drop it
		had[s.Metric.Fingerprint()] = float64(s.Value)
	}
	latency := map[Party]histogram{}
	for _, s := range end {
		delete(s.Metric, model.MetricNameLabel)
		value := float64(s.Value)
		if was := had[s.Metric.Fingerprint()]; was <= value {
			value -= was
		}
		le, err := strconv.ParseFloat(string(s.Metric["le"]), 64)
		if err != nil || math.IsNaN(le) {
			continue
		}
		party := partyOf(s.Metric)
		if latency[party] == nil {
			latency[party] = histogram{}
		}
		latency[party][le] += value
	}
	return latency, nil
}

func (p Prometheus) selector(metric string) string {
	if p.Job == "" {
		return metric
	}
	return metric + "{job=" + strconv.Quote(p.Job) + "}"
}

func promDuration(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }

// query decodes the result of an instant query into a model.Vector or a model.Matrix.
func (p Prometheus) query(ctx context.Context, promQL string, at time.Time, result any) error {
	body, err := fetch(ctx, p.Address, "api/v1/query", url.Values{
		"query": {promQL}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64)},
	})
	if err != nil {
		return fmt.Errorf("query Prometheus: %w", err)
	}
	var answer struct {
		Status string `json:"status"`
		Error  string `json:"error"`
		Data   struct {
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("decode the answer of Prometheus: %w", err)
	}
	if answer.Status != "success" {
		return errors.New("query Prometheus: " + strconv.Quote(answer.Error))
	}
	if err := json.Unmarshal(answer.Data.Result, result); err != nil {
		return fmt.Errorf("decode the answer of Prometheus: %w", err)
	}
	return nil
}
