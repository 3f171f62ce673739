package main_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

const localTokens = `
- introspect_token:
    cluster: okta
    authority: dev.okta.com
    precheck: {mode: jwt_only, jwks: {path: /oauth2/default/v1/keys}, issuer: "https://dev.okta.com/oauth2/default", audience: [api://default]}
- require_token: {scopes: [customers.read]}
`

// TestSignaturesAreCheckedByTheHost, and by the filter itself where the host cannot, with one result. A host that says
// anything but a plain yes has said no.
func TestSignaturesAreCheckedByTheHost(t *testing.T) {
	forged := outcome{status: 401, reason: "token.signature_invalid"}
	for _, tt := range []struct {
		name         string
		host         func([]byte) ([]byte, abi.Status) // nil: Envoy's
		good, broken outcome
	}{
		{"Envoy's function", nil, admitted, forged},
		{"no such function", func([]byte) ([]byte, abi.Status) { return nil, abi.StatusNotFound }, admitted, forged},
		{"it fails", func([]byte) ([]byte, abi.Status) { return nil, abi.StatusInternalFailure }, admitted, forged},
		{"it says nothing", func([]byte) ([]byte, abi.Status) { return nil, abi.StatusOK }, forged, forged},
		{"it says no", func([]byte) ([]byte, abi.Status) { return []byte("\x12\x02no"), abi.StatusOK }, forged, forged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newOrg(t)
			options := []hostsim.Option{hostsim.WithCluster("okta", o), hostsim.WithTrace()}
			if tt.host != nil {
				options = append(options, hostsim.WithForeignFunction("verify_signature", tt.host))
			}
			g := start(t, module(t), configuration(t, localTokens), options...)
			token := o.token(t)
			r, x := g.do(request(token))
			g.must("a good token", r, x, tt.good)
			r, x = g.do(request(token))
			g.must("the good token again", r, x, tt.good)
			asked := slices.ContainsFunc(x.Trace, func(e hostsim.TraceEntry) bool {
				return !e.Callback && e.Name == "proxy_call_foreign_function" && strings.Contains(e.Args, "verify_signature")
			})
			if !asked {
				t.Error("the host was not asked")
			}
			last := strings.LastIndexByte(token, '.')
			r, x = g.do(request(token[:last+1] + swapped(token[last+1:])))
			g.must("a broken signature", r, x, tt.broken)
			if o.keys != 1 || o.IntrospectionCalls() != 0 {
				t.Errorf("%d fetches of keys, %d introspections", o.keys, o.IntrospectionCalls())
			}
		})
	}
}

// swapped is the text with its first character changed.
func swapped(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}
