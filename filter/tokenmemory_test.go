package main_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestMemoryOfTokens: a cache for 131,072 tokens takes memory for those that come, and none of it again for their next
// requests, which ask nobody.
func TestMemoryOfTokens(t *testing.T) {
	const (
		tokens = 10_000
		more   = 20 << 20 // bytes of a VM for 10,000 tokens
	)
	sequence := strings.Replace(fullSequence, "timeout: 1s", "timeout: 1s, cache: {entries: 131072, shared_entries: 131072}", 1)
	g := start(t, module(t), configuration(t, sequence), hostsim.WithWorkers(1))
	calls := 0
	g.okta.answer = func(upstream.Call) upstream.Answer { calls++; return active() }
	padding := strings.Repeat("p", 700)
	play := func() (grown []int) {
		before := g.GuestMemory()[1]
		for i := range tokens {
			response, x := g.do(request(fmt.Sprintf("%s%07d", padding, i)))
			if response.Status != 200 {
				g.must(fmt.Sprint("token ", i), response, x, admitted)
			}
			if i%10_000 == 9_999 {
				now := g.GuestMemory()[1]
				grown, before = append(grown, now-before), now
			}
		}
		return grown
	}
	first := g.GuestMemory()[1]
	coming := play()
	known := calls
	again := play()
	t.Logf("%.1f MiB with no token; growth for each 10,000 tokens, in MiB: %s when they come, %s when they come again",
		float64(first)/(1<<20), mebibytes(coming), mebibytes(again))
	for _, n := range coming {
		if n > more {
			t.Errorf("10,000 tokens took %d bytes of guest memory, want %d at most", n, more)
		}
	}
	if asked := calls - known; asked > tokens/100 {
		t.Errorf("%d of %d known tokens were asked about again", asked, tokens)
	}
}

func mebibytes(sizes []int) string {
	var texts []string
	for _, n := range sizes {
		texts = append(texts, fmt.Sprintf("%.1f", float64(n)/(1<<20)))
	}
	return strings.Join(texts, " ")
}
