package ipaccess

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
)

func rule(allow bool, prefixes ...string) Rule {
	r := Rule{Allow: allow}
	for _, s := range prefixes {
		p, err := ipaddr.ParsePrefix(s)
		if err != nil {
			panic(err)
		}
		r.Prefixes = append(r.Prefixes, p)
	}
	return r
}

func TestApply(t *testing.T) {
	const allowed = denial.Internal // no refusal
	office := []Rule{rule(false, "10.0.0.7"), rule(true, "10.0.0.0/8", "2001:db8::/32")}
	tests := []struct {
		name    string
		options Options
		address string
		want    denial.Reason
	}{
		{"zero options", Options{}, "10.0.0.1", denial.IPAccessDenied},
		{"in a prefix", Options{Rules: office}, "10.9.9.9", allowed},
		{"in the other family", Options{Rules: office}, "2001:db8::9", allowed},
		{"the first match wins", Options{Rules: office}, "10.0.0.7", denial.IPAccessDenied},
		{"the first match wins, the other way round", Options{Rules: []Rule{rule(true, "10.0.0.7"), rule(false, "10.0.0.0/8")}, AllowNoMatch: true}, "10.0.0.7", allowed},
		{"no match", Options{Rules: office}, "192.0.2.1", denial.IPAccessDenied},
		{"no match, allowed", Options{Rules: office, AllowNoMatch: true}, "192.0.2.1", allowed},
		{"mapped into IPv6", Options{Rules: office}, "::ffff:10.0.0.7", denial.IPAccessDenied},
		{"mapped into IPv6, allowed", Options{Rules: office}, "::ffff:10.0.0.8", allowed},
		{"mapped into IPv6, in hex", Options{Rules: office}, "::FFFF:0a00:7", denial.IPAccessDenied},
		{"with a port", Options{Rules: office}, "10.0.0.7:17085", denial.IPAccessDenied},
		{"with brackets, a zone and a port", Options{Rules: office}, "[2001:DB8:0::9%eth0]:443", allowed},
		{"IPv4 is not in ::/0", Options{Rules: []Rule{rule(true, "::/0")}}, "10.0.0.1", denial.IPAccessDenied},
		{"no address", Options{Rules: office, AllowNoMatch: true}, "", denial.IPAccessNoAddress},
		{"not an address", Options{Rules: office, AllowNoMatch: true}, "unknown", denial.IPAccessNoAddress},
		{"a rule without prefixes", Options{Rules: []Rule{{Allow: true}}}, "10.0.0.1", denial.IPAccessDenied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			outcome := New(tt.options).Apply(&pipeline.Exchange{Client: pipelinetest.From(tt.address)})
			if tt.want == allowed {
				if !outcome.Continues() {
					d, _ := outcome.Denial()
					t.Errorf("denied for %v", d.Reason)
				}
				return
			}
			if d, denied := outcome.Denial(); !denied || d.Reason != tt.want {
				t.Errorf("denied %v for %v, want %v", denied, d.Reason, tt.want)
			}
		})
	}
}
