package main_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// quotaService counts the hits of each minute, as envoyproxy/ratelimit does for one party.
type quotaService struct {
	mu          sync.Mutex
	hits, calls int64
	limit       int64
	path        string
}

func (s *quotaService) Answer(upstream.Call) upstream.Answer {
	return upstream.Respond(500, "gRPC alone")
}

func (s *quotaService) GRPC(r upstream.GRPCRequest) upstream.GRPCReply {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range r.Call.Headers {
		if h.Name == ":path" {
			s.path = h.Value
		}
	}
	s.calls++
	s.hits += int64(number(r.Message, 3))
	code, left := uint64(1), s.limit-s.hits
	if left < 0 {
		code, left = 2, 0
	}
	status := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), code)
	status = protowire.AppendBytes(protowire.AppendTag(status, 2, protowire.BytesType), nil)
	status = protowire.AppendVarint(protowire.AppendTag(status, 3, protowire.VarintType), uint64(left))
	answer := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), code)
	answer = protowire.AppendBytes(protowire.AppendTag(answer, 2, protowire.BytesType), status)
	return upstream.GRPCReply{Delay: time.Millisecond, Messages: [][]byte{answer}, End: true}
}

// number is a field of a message, 0 when it has none.
func number(b []byte, field protowire.Number) (v uint64) {
	for len(b) > 0 {
		n, kind, size := protowire.ConsumeField(b)
		_, _, tag := protowire.ConsumeTag(b)
		if n == field && kind == protowire.VarintType {
			v, _ = protowire.ConsumeVarint(b[tag:])
		}
		b = b[size:]
	}
	return v
}

// TestQuotaAsksTheEngine: the module under the simulated host asks by gRPC, admits the limit, and asks no more when it
// is used up.
func TestQuotaAsksTheEngine(t *testing.T) {
	for _, mode := range []string{"exact", "reconciled"} {
		t.Run(mode, func(t *testing.T) {
			const limit, requests = 30, 50
			service := &quotaService{limit: limit}
			sequence := "- verify_api_key: {from: [{header: x-api-key}]}\n- remove_api_key: {}\n" +
				"- quota: {per: app, limit: 30, interval: month, mode: " + mode + ", batch: 5, engine: {cluster: ratelimit}}"
			g := start(t, module(t), configuration(t, sequence), hostsim.WithCluster("ratelimit", service))
			var waiting []*hostsim.Pending
			for range requests {
				waiting = append(waiting, g.begin(request("none")))
			}
			results := map[int]int{}
			for _, p := range waiting {
				r, _, err := p.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				results[r.Status]++
			}
			if results[200] != limit || results[429] != requests-limit {
				t.Errorf("%v, want %d admitted", results, limit)
			}
			if !strings.HasSuffix(service.path, "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit") {
				t.Errorf("asked %s", service.path)
			}
			if mode == "reconciled" && service.calls > limit/5 {
				t.Errorf("%d calls for %d requests in batches of 5", service.calls, limit)
			}
			before := service.calls
			g.do(request("none"))
			if service.calls != before {
				t.Error("the engine is asked when the limit is used up")
			}
		})
	}
}
