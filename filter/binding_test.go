package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// TestReasonDPoPUnavailable: when the memory of used proofs fails, a good proof is refused, as it could be a replay. The
// scenario of a good proof runs on a host whose shared data fails for that memory alone.
func TestReasonDPoPUnavailable(t *testing.T) {
	path := filepath.Join(scenarios, "dpop", "good.txtar")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	base, err := os.ReadFile(filepath.Join(scenarios, "dpop", "base.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	request, _, found := strings.Cut(string(text), "-- response --")
	if !found {
		t.Fatalf("%s expects no response", path)
	}
	const refused = `-- response --
503
content-type: application/json
cache-control: no-store
x-sallyport-reason: dpop.unavailable

~.*sallyport\.DPoPUnavailable.*
-- calls okta --
1
-- metrics --
sallyport_decisions.sp_decision=deny|sp_reason=dpop.unavailable| +1
`
	f, err := scenario.Parse("unavailable.txtar", []byte(request+refused), base)
	if err != nil {
		t.Fatal(err)
	}
	report, err := scenario.Run(t.Context(), f, nativeDriver{sharedData: func(_ memstore.Operation, key string) error {
		if strings.Contains(key, "dpop/") {
			return errors.New("broken")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Error(report)
	}
}

// TestCertificateBoundToken: what the proxy says of the client's certificate decides (RFC 8705 section 3).
func TestCertificateBoundToken(t *testing.T) {
	// The digest in hex, as Envoy gives it, and in base64url, as a token has it (RFC 8705 section 3.1).
	const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	const thumbprint = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"
	g := start(t, module(t), configuration(t, fullSequence))
	answer := active()
	answer.Body = []byte(strings.Replace(string(answer.Body), `"active":true`, `"active":true,"cnf":{"x5t#S256":"`+thumbprint+`"}`, 1))
	g.okta.set(answer)
	mismatch := outcome{status: 401, reason: "token.certificate_mismatch"}
	for _, tt := range []struct {
		name string
		tls  *hostsim.TLSInfo
		want outcome
	}{
		{"its certificate", &hostsim.TLSInfo{PeerPresented: true, PeerSHA256: digest}, admitted},
		{"another one", &hostsim.TLSInfo{PeerPresented: true, PeerSHA256: strings.Repeat("0", 64)}, mismatch},
		{"none", &hostsim.TLSInfo{}, mismatch},
		{"no TLS", nil, mismatch},
		{"its certificate again", &hostsim.TLSInfo{PeerPresented: true, PeerSHA256: digest}, admitted},
	} {
		r := request("bound")
		r.Info.TLS = tt.tls
		response, x := g.do(r)
		g.must(tt.name, response, x, tt.want)
	}
	if calls := len(g.Process().Calls()); calls != 1 {
		t.Errorf("%d calls, want 1: the answer is cached, the certificate is compared each time", calls)
	}
}
