package readingstest

import "testing"

func TestReadings(t *testing.T) {
	for _, tt := range []struct{ target, tomcat, express string }{
		{"/a/b?x", "/a/b", "/a/b"},
		{"/A/b/", "/A/b", "/a/b"},
		{"/public/%2e%2e;/orders/1", "/orders/1", "/public/..;/orders/1"},
		{"/orders;x/1", "/orders/1", "/orders;x/1"},
		{"/;/orders/1", "/orders/1", "/;/orders/1"},
		{`/a%5c..\b%2Fc`, "/b/c", `/a\..\b/c`},
		{"/%4Frders", "/Orders", "/orders"},
		{"/%252e", "/%2e", "/%2e"},
		{"/a%zz", "", ""},
		{"/a%00", "", ""},
		{"/a%2", "", ""},
		{"/", "/", "/"},
	} {
		if got := Tomcat(tt.target); got != tt.tomcat {
			t.Errorf("Tomcat reads %q as %q, want %q", tt.target, got, tt.tomcat)
		}
		if got := Express(tt.target); got != tt.express {
			t.Errorf("Express reads %q as %q, want %q", tt.target, got, tt.express)
		}
	}
}

// TestPathReadingsSpellings: there are many, and many of them reach what is
// guarded where no gateway stands before it.
func TestPathReadingsSpellings(t *testing.T) {
	all := Spellings("/public", "/orders/1")
	for _, b := range Backends {
		n := 0
		for _, target := range all {
			if Below(b.Read(target), "/orders") {
				n++
			}
		}
		t.Logf("%d spellings, %d of which %s serves below /orders", len(all), n, b.Name)
		if len(all) < 40 || n < 10 {
			t.Errorf("%s serves %d of %d spellings", b.Name, n, len(all))
		}
	}
}
