package ipaddr

import (
	"net/netip"
	"testing"
)

func FuzzString(f *testing.F) {
	for _, s := range []string{"192.0.2.1", "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1:0:0:0:1", "2001:db8:0:0:1:0:0:1", "::ffff:1.2.3.4", "1:2:3:4:5:6:0:0", "0:0:1::", "1:0:2:0:3:0:4:0", "::1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := Parse(s)
		if !ok {
			if a.String() != "" {
				t.Errorf("%q: %q", s, a.String())
			}
			return
		}
		if want := netip.MustParseAddr(s).Unmap().String(); a.String() != want {
			t.Errorf("%q is written %q, want %q", s, a.String(), want)
		}
	})
}
