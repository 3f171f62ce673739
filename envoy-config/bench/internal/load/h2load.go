package load

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/stats"
)

// Paced is how requests are to be sent at a rate, whatever the answers take.
type Paced struct {
	Address     string
	Request     Request // without Many
	Connections int
	Rate        int // requests a second, of all connections together
	Duration    time.Duration
}

// Latency is what the callers of a paced run saw, in microseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Rate float64 `json:"rate"` // requests a second that were answered
}

// maxRefused is the share of answers that may be another than 200.
const maxRefused = 0.001

// H2load sends HTTP/1.1 requests at the rate. Nearly all must be answered 200.
func H2load(ctx context.Context, p Paced) (Latency, error) {
	dir, err := os.MkdirTemp("", "sallyport-bench-*")
	if err != nil {
		return Latency{}, fmt.Errorf("run h2load: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "requests.tsv")
	seconds := max(int(p.Duration.Seconds()), 1)
	perClient := strconv.FormatFloat(float64(p.Rate)/float64(p.Connections), 'f', 3, 64)
	args := []string{
		"--h1", "-t", "1", "-c", strconv.Itoa(p.Connections), "--rps", perClient,
		"-n", strconv.Itoa(p.Rate * seconds), "--log-file", file,
	}
	for _, h := range p.Request.Headers {
		if strings.EqualFold(h.Name, "host") {
			h.Name = ":authority" // h2load's word for it, also with HTTP/1.1
		}
		args = append(args, "-H", h.Name+": "+h.Value)
	}
	if _, err := run(exec.CommandContext(ctx, "h2load", append(args, "http://"+p.Address+p.Request.Path)...), ErrNoH2load); err != nil {
		return Latency{}, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return Latency{}, fmt.Errorf("read h2load's log: %w", err)
	}
	return parseH2load(string(text))
}

// parseH2load reads h2load's log: a line a request, with its start (unix
// microseconds), its status and its duration in microseconds.
func parseH2load(log string) (Latency, error) {
	var took []float64
	first, last, refused, status := int64(0), int64(0), 0, ""
	for line := range strings.Lines(log) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 {
			return Latency{}, fmt.Errorf("not a line of h2load's log: %q", line)
		}
		if f[1] != "200" {
			refused, status = refused+1, f[1]
		}
		start, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil {
			return Latency{}, fmt.Errorf("not a start in h2load's log: %q", line)
		}
		micros, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			return Latency{}, fmt.Errorf("not a duration in h2load's log: %q", line)
		}
		if first == 0 || start < first {
			first = start
		}
		last = max(last, start)
		took = append(took, micros)
	}
	if len(took) < 2 || last == first {
		return Latency{}, fmt.Errorf("h2load's log has %d requests", len(took))
	}
	if float64(refused) > maxRefused*float64(len(took)) {
		return Latency{}, fmt.Errorf("%d of %d paced requests got no 200, the last of them %s", refused, len(took), status)
	}
	return Latency{
		P50:  stats.Percentile(took, 0.5),
		P99:  stats.Percentile(took, 0.99),
		Rate: float64(len(took)-1) / (float64(last-first) / 1e6),
	}, nil
}
