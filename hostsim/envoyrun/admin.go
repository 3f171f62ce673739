package envoyrun

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// maxAdminBytes bounds an answer of the admin interface: /stats of hundreds of clusters is some megabytes.
const maxAdminBytes = 64 << 20

// Admin is the base URL of the admin interface.
func (p *Process) Admin() string { return p.admin }

// Get returns the body of an admin page ("/server_info"); any status but 200 is an error.
func (p *Process) Get(ctx context.Context, pathAndQuery string) ([]byte, error) {
	status, body, err := p.get(ctx, pathAndQuery)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("read %s of the admin interface: status %d", pathAndQuery, status)
	}
	return body, nil
}

func (p *Process) get(ctx context.Context, pathAndQuery string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.admin+pathAndQuery, nil)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the admin interface: %w", err)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("ask the admin interface: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAdminBytes+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read %s of the admin interface: %w", pathAndQuery, err)
	}
	if len(body) > maxAdminBytes {
		return 0, nil, fmt.Errorf("read %s of the admin interface: more than %d bytes", pathAndQuery, maxAdminBytes)
	}
	return resp.StatusCode, body, nil
}

func (p *Process) ready(ctx context.Context) (bool, error) {
	status, _, err := p.get(ctx, "/ready")
	return status == http.StatusOK, err
}

// Listeners returns the address (host:port) of every listener by name; ports are those that were actually bound.
func (p *Process) Listeners(ctx context.Context) (map[string]string, error) {
	body, err := p.Get(ctx, "/listeners?format=json")
	if err != nil {
		return nil, err
	}
	var page struct {
		Statuses []struct {
			Name    string `json:"name"`
			Address struct {
				Socket struct {
					Address string `json:"address"`
					Port    int    `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("decode /listeners: %w", err)
	}
	addresses := make(map[string]string, len(page.Statuses))
	for _, s := range page.Statuses {
		addresses[s.Name] = net.JoinHostPort(s.Address.Socket.Address, strconv.Itoa(s.Address.Socket.Port))
	}
	return addresses, nil
}

// Listener returns the address (host:port) of one listener.
func (p *Process) Listener(ctx context.Context, name string) (string, error) {
	all, err := p.Listeners(ctx)
	if err != nil {
		return "", err
	}
	address, ok := all[name]
	if !ok {
		return "", fmt.Errorf("envoy has no listener %q", name)
	}
	return address, nil
}

// Stats are Envoy's own counters and gauges (Number) and text readouts (Text), by Envoy's names.
type Stats struct {
	Number map[string]uint64 // Envoy's gauges are unsigned too
	Text   map[string]string
}

// Stats returns those whose name contains a match of the regular expression (RE2).
func (p *Process) Stats(ctx context.Context, filter string) (Stats, error) {
	s := Stats{Number: map[string]uint64{}, Text: map[string]string{}}
	body, err := p.Get(ctx, "/stats?format=json&filter="+url.QueryEscape(filter))
	if err != nil {
		return s, err
	}
	var page struct {
		Stats []struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return s, fmt.Errorf("decode /stats: %w", err)
	}
	for _, stat := range page.Stats {
		var text string
		switch {
		case stat.Name == "": // the histograms, all in one element
		case json.Unmarshal(stat.Value, &text) == nil:
			s.Text[stat.Name] = text
		default:
			n, err := strconv.ParseUint(string(stat.Value), 10, 64)
			if err != nil {
				return s, fmt.Errorf("decode /stats: value of %s: %w", stat.Name, err)
			}
			s.Number[stat.Name] = n
		}
	}
	return s, nil
}

// Prometheus returns /stats/prometheus, as a scraper sees it.
func (p *Process) Prometheus(ctx context.Context) (map[string]*dto.MetricFamily, error) {
	body, err := p.Get(ctx, "/stats/prometheus")
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("decode /stats/prometheus: %w", err)
	}
	return families, nil
}
