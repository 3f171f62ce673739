package spikearrest

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// Each group is one client; no two groups are.
var clients = map[string][]string{
	"an IPv4 address": {"203.0.113.7", "203.0.113.7:17085", "[203.0.113.7]:80", "::ffff:203.0.113.7", "::FFFF:203.0.113.7",
		"::ffff:cb00:7107", "::FFFF:CB00:7107", "0:0:0:0:0:ffff:203.0.113.7", "0000:0000:0000:0000:0000:ffff:cb00:7107",
		"[::ffff:203.0.113.7]", "[::ffff:203.0.113.7]:443", "::ffff:203.0.113.7%eth0", "[::ffff:cb00:7107%25eth0]:1"},
	"its neighbour": {"203.0.113.8", "::ffff:203.0.113.8", "::ffff:cb00:7108"},
	"an IPv6 network": {"2001:db8:1:2::1", "2001:DB8:1:2::1", "2001:0db8:0001:0002:0000:0000:0000:0001", "2001:db8:1:2:0:0:0:1",
		"2001:db8:1:2::beef", "2001:db8:1:2:ffff:ffff:ffff:ffff", "[2001:db8:1:2::1]", "[2001:db8:1:2::1]:443", "2001:db8:1:2::1%eth0",
		"[2001:db8:1:2::7%1]:65535", "2001:db8:1:2::203.0.113.7"},
	"the next network":        {"2001:db8:1:3::1", "2001:db8:1:3::2"},
	"IPv4 that is not mapped": {"::203.0.113.7", "::1", "::cb00:7107"},
	"link-local":              {"fe80::1", "fe80::2%eth0", "fe80::1%eth1", "FE80:0::1"},
	"no address at all": {"", "unknown", "_hidden", "203.0.113", "203.0.113.007", "203.0.113.7.", "203.0.113.7:", "203.0.113.7:http",
		"203.0.113.7:123456", "203.0.113.256", "0x7f.1", "3405803783", "2001:db8::1::2", "2001:db8:1:2::g", "[2001:db8:1:2::1", "2001:db8:1:2::1]",
		"[2001:db8:1:2::1]443", "[]", "[]:80", "203.0.113.7%eth0", "2001:db8:1:2::1%", "%eth0", "/run/envoy.sock", "localhost", "a very long text " + string(make([]byte, 300))},
}

func TestAddressFormsAreOneClient(t *testing.T) {
	s := made(options(t, "client_ip"), memstore.New(nil))
	spellings := 0
	for name, forms := range clients {
		for i, form := range forms {
			x := &pipeline.Exchange{Now: newClock().now.UnixNano(), Client: pipelinetest.From(form)}
			spellings++
			if i == 0 {
				wantAllowed(t, s, x)
			} else if s.Apply(x).Continues() {
				t.Errorf("%s: %q is another client than %q", name, form, forms[0])
			}
		}
	}
	t.Logf("%d spellings of %d clients", spellings, len(clients))
}

func TestAddressFormsByPrefix(t *testing.T) {
	for _, tt := range []struct {
		prefix int
		a, b   string
		same   bool
	}{
		{16, "2001:db8::1", "2001:0:1::1", true},
		{48, "2001:db8:1:2::1", "2001:db8:1:ffff::1", true},
		{48, "2001:db8:1:2::1", "2001:db8:2:2::1", false},
		{56, "2001:db8:1:ff00::1", "2001:db8:1:ffff::1", true},
		{56, "2001:db8:1:fe00::1", "2001:db8:1:ff00::1", false},
		{64, "2001:db8:1:2::1", "2001:db8:1:2:ffff::1", true},
		{64, "2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{65, "2001:db8:1:2::1", "2001:db8:1:2:8000::1", false},
		{128, "2001:db8:1:2::1", "2001:db8:1:2::1%eth0", true},
		{128, "2001:db8:1:2::1", "2001:db8:1:2::2", false},
		{16, "203.0.113.7", "203.0.113.8", false},
		{16, "::ffff:203.0.113.7", "203.0.113.7", true},
	} {
		t.Run(fmt.Sprintf("%s and %s by /%d", tt.a, tt.b, tt.prefix), func(t *testing.T) {
			o := options(t, "client_ip")
			o.Per.IPv6Prefix = tt.prefix
			s := made(o, memstore.New(nil))
			now := newClock().now.UnixNano()
			wantAllowed(t, s, &pipeline.Exchange{Now: now, Client: pipelinetest.From(tt.a)})
			if got := !s.Apply(&pipeline.Exchange{Now: now, Client: pipelinetest.From(tt.b)}).Continues(); got != tt.same {
				t.Errorf("one client: %v, want %v", got, tt.same)
			}
		})
	}
}

// What is counted by something else does not depend on the prefix; what is
// counted by the address begins again under another.
func TestAddressFormsPrefixIsPartOfTheLimit(t *testing.T) {
	store := memstore.New(nil)
	o := options(t, "client_ip")
	x := &pipeline.Exchange{Now: newClock().now.UnixNano(), Client: pipelinetest.From("2001:db8::1")}
	wantAllowed(t, made(o, store), x)
	wantDenied(t, made(o, store), x, denial.SpikeArrestExceeded)
	o.Per.IPv6Prefix = 56
	wantAllowed(t, made(o, store), x)
}

// A flood of clients that are all active at once, each by a network of its own:
// how many of those who come now are refused. The addresses follow each other,
// as an attacker's would: what bucket each has is not his to choose, and differs
// from run to run. At 32,768 the share is 1.1 % with a standard deviation of 0.3;
// the bounds leave room for five of them.
func TestAddressFormsFlood(t *testing.T) {
	const newcomers = 2000
	client := func(n uint64) pipeline.Exchange {
		var bits [16]byte
		binary.BigEndian.PutUint64(bits[:], 0x20010db8<<32+n)
		return pipeline.Exchange{Now: newClock().now.UnixNano(), Client: pipelinetest.From(netip.AddrFrom16(bits).String())}
	}
	for _, tt := range []struct {
		active  int
		atMost  float64 // of the newcomers
		atLeast float64 // the table is not larger than it says
	}{
		{1024, 0, 0}, {8192, 0, 0}, {16384, 0.001, 0}, {32768, 0.025, 0}, {49152, 0.20, 0.1}, {65536, 0.60, 0.4}, {131072, 1, 0.9},
	} {
		store := memstore.New(nil)
		s := made(options(t, "client_ip"), store)
		for n := range tt.active {
			x := client(uint64(n))
			s.Apply(&x)
		}
		refused := 0
		for n := range newcomers {
			x := client(uint64(1_000_000 + n*7919))
			if !s.Apply(&x).Continues() {
				refused++
			}
		}
		share := float64(refused) / newcomers
		size := 0
		for key, value := range store.Dump() {
			size += len(key) + len(value)
		}
		t.Logf("%6d clients active: %5.1f%% of newcomers refused; %d KiB of shared data", tt.active, 100*share, size>>10)
		if share > tt.atMost || share < tt.atLeast {
			t.Errorf("%d active: %.3f of the newcomers refused, want from %.3f to %.3f", tt.active, share, tt.atLeast, tt.atMost)
		}
	}
}
