package ipaddr

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var addresses = []string{
	"192.0.2.1", "0.0.0.0", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", "1.2.3.4 ", "0x1.2.3.4", "",
	"::", "::1", "1::", "2001:db8::1", "2001:DB8::A", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", ":::", ":1", "1:",
	"::ffff:192.0.2.1", "::ffff:c000:201", "::192.0.2.1", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::1.2.3", "12345::", "g::",
	"fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "::1:2:3:4:5:6:7:8",
}

// FuzzAddr compares with net/netip, which the guest cannot have.
func FuzzAddr(f *testing.F) {
	for _, s := range addresses {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		wantOK := err == nil && want.Zone() == ""
		got, ok := Parse(s)
		if ok != wantOK {
			t.Fatalf("%q: parsed %v, net/netip says %v", s, ok, wantOK)
		}
		if ok && (bitsOf(got) != want.As16() || got.Is4() != want.Unmap().Is4()) {
			t.Fatalf("%q: got %v, want %v", s, bitsOf(got), want)
		}
	})
}

func bitsOf(a Addr) (bits [16]byte) {
	binary.BigEndian.PutUint64(bits[:8], a.hi)
	binary.BigEndian.PutUint64(bits[8:], a.lo)
	return bits
}

func TestAddressFormsOfPeers(t *testing.T) {
	for written, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1:0": "192.0.2.1", "192.0.2.1:65535": "192.0.2.1", "[192.0.2.1]:1": "192.0.2.1",
		"2001:DB8::1": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "[2001:db8::1]:443": "2001:db8::1", "fe80::1%eth0": "fe80::1",
		"[fe80::1%25eth0]:1": "fe80::1", "::FFFF:C000:201": "192.0.2.1", "[::ffff:192.0.2.1]:80": "192.0.2.1", "::": "::",
		"": "", "[": "", "]": "", "[]": "", "[]:1": "", "[::1": "", "::1]": "", "[::1]1": "", "[::1]:": "", "[::1]:a": "", "[::1]:123456": "",
		"192.0.2.1:": "", "192.0.2.1:a": "", "192.0.2.1:-1": "", ":80": "", "192.0.2.1%eth0": "", "::1%": "", "%": "", "[%]": "",
		"192.0.2.01": "", "192.0.2.1 ": "", "unknown": "", "[[::1]]": "", "192.0.2.1:80:90": "", "2001:db8::1:443": "2001:db8::1:443",
	} {
		got, ok := ParsePeer(written)
		if ok != (want != "") {
			t.Errorf("%q: read %v, want %v", written, ok, !ok)
		} else if ok && bitsOf(got) != netip.MustParseAddr(want).As16() {
			t.Errorf("%q: read as %v, want %s", written, bitsOf(got), want)
		}
	}
}

// Bytes are those of the network, as net/netip has it; an IPv4 address has none.
func TestAddressFormsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")))
		if rapid.Bool().Draw(t, "mapped") {
			raw = netip.AddrFrom16(netip.AddrFrom4([4]byte(raw.AsSlice()[:4])).As16())
		}
		n := rapid.IntRange(0, 128).Draw(t, "length")
		a, ok := ParsePeer(raw.String())
		want := raw
		if !raw.Is4In6() {
			masked, err := raw.Prefix(n)
			if err != nil {
				t.Fatal(err)
			}
			want = masked.Addr()
		}
		if !ok || a.Bytes(n) != want.As16() {
			t.Fatalf("%s by %d: %v, want %v", raw, n, a.Bytes(n), want)
		}
	})
}

// FuzzPrefix does the same for prefixes. Two things differ on purpose: an address alone is a prefix, and bits beyond the
// length are refused.
func FuzzPrefix(f *testing.F) {
	for _, s := range addresses {
		f.Add(s, "10.1.2.3")
		f.Add(s+"/8", "2001:db8::1")
	}
	for _, s := range []string{"10.0.0.0/8", "0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.0/08", "2001:db8::/129", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.1/8", "::ffff:10.0.0.0/104"} {
		f.Add(s, "10.1.2.3")
		f.Add(s, "::1")
		f.Add(s, "::ffff:10.1.2.3")
	}
	f.Fuzz(func(t *testing.T, s, address string) {
		got, err := ParsePrefix(s)
		if !strings.Contains(s, "/") {
			if _, ok := Parse(s); ok != (err == nil) {
				t.Fatalf("%q alone: %v", s, err)
			}
			return
		}
		want, wantErr := netip.ParsePrefix(s)
		if wantErr != nil || want != want.Masked() {
			if err == nil {
				t.Fatalf("%q: took what net/netip does not, or what has more bits than its length", s)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		a, ok := Parse(address)
		if !ok || want.Addr().Is4In6() {
			return // netip knows no IPv4 in mapped prefixes
		}
		if got.Contains(a) != want.Contains(netip.MustParseAddr(address).Unmap()) {
			t.Fatalf("%q contains %q: %v", s, address, got.Contains(a))
		}
	})
}

func TestMappedPrefixIsIPv4(t *testing.T) {
	p, err := ParsePrefix("::ffff:10.0.0.0/104")
	if err != nil {
		t.Fatal(err)
	}
	inside, _ := Parse("10.1.2.3")
	outside, _ := Parse("11.0.0.0")
	if !p.Contains(inside) || p.Contains(outside) {
		t.Error("the mapped form of 10.0.0.0/8 is not 10.0.0.0/8")
	}
}

func TestZeroValuesContainNothing(t *testing.T) {
	all, err := ParsePrefix("::/0")
	if err != nil {
		t.Fatal(err)
	}
	one, _ := Parse("::1")
	if (Prefix{}).Contains(one) || all.Contains(Addr{}) || (Prefix{}).Contains(Addr{}) || Any(nil, one) {
		t.Error("nothing contains something")
	}
}

// Every prefix contains its own address, and an address that differs in the prefix's last bit is outside.
func TestPrefixEndsAtItsLastBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		n := rapid.IntRange(1, 128).Draw(t, "length")
		masked, err := netip.AddrFrom16([16]byte(raw)).Prefix(n)
		if err != nil || masked.Addr().Is4In6() {
			return
		}
		p, err := ParsePrefix(masked.String())
		if err != nil {
			t.Fatal(err)
		}
		if !p.Contains(p.addr) {
			t.Fatalf("%s does not contain its own address", masked)
		}
		other := p.addr
		if n <= 64 {
			other.hi ^= 1 << (64 - n)
		} else {
			other.lo ^= 1 << (128 - n)
		}
		if p.Contains(other) {
			t.Fatalf("%s contains an address that differs in bit %d", masked, n)
		}
	})
}
