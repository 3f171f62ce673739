package bench

import (
	"regexp"
	"slices"
	"testing"

	"github.com/sallyport-gateway/sallyport/envoy-config/bench/internal/site"
)

func TestCases(t *testing.T) {
	caller, err := site.NewCaller()
	if err != nil {
		t.Fatal(err)
	}
	all := Cases(caller)
	seen := map[string]bool{}
	for _, c := range all {
		if seen[c.Name] {
			t.Errorf("%s stands twice", c.Name)
		}
		if c.Base != "" && !seen[c.Base] {
			t.Errorf("%s comes before its base %q", c.Name, c.Base)
		}
		seen[c.Name] = true
	}
	for _, name := range []string{
		NoFilter, EmptyGo, ExtAuthz, Whole, Empty, MissingKey, UnknownKey, GarbageToken, InactiveToken, SpikeArrest,
		WholeOne, Whole256, Whole2, WholeAlone, Apps, APIs, OneToken, ManyTokens, SkewedToken, ColdTokens,
		QuotaReconciled, QuotaExact, NativeQuota,
	} {
		if !seen[name] {
			t.Errorf("a criterion speaks of %q, which is no case", name)
		}
	}
}

func TestChoose(t *testing.T) {
	all := []Case{
		{Name: "base", Listener: "l1", Envoy: mainEnvoy}, {Name: "a one", Group: "first", Base: "base", Listener: "l2", Envoy: mainEnvoy},
		{Name: "other base", Listener: "l3", Envoy: aloneTwo}, {Name: "a two", Group: "second", Base: "other base", Slow: true, Listener: "l3", Envoy: aloneTwo},
	}
	for _, tt := range []struct {
		only  string
		short bool
		want  []string
	}{
		{"", false, []string{"base", "a one", "other base", "a two"}},
		{"a two", false, []string{"other base", "a two"}},
		{"^second/", false, []string{"other base", "a two"}},
		{"a", true, []string{"base", "a one", "other base"}},
		{"memory", false, nil},
	} {
		var got []string
		for _, c := range choose(all, regexp.MustCompile(tt.only), tt.short) {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("-only %q: %q, want %q", tt.only, got, tt.want)
		}
	}
	if got := listenersOf(all, mainEnvoy); !slices.Equal(got, []string{site.None, site.Whole, "l1", "l2"}) {
		t.Errorf("listeners %q", got)
	}
}
