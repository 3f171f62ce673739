package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/wasmbuild"
)

// TestSharedLimitsOnReload: on a real Envoy, what two workers learned under one configuration is used under the next one
// as far as that one allows.
func TestSharedLimitsOnReload(t *testing.T) {
	t.Parallel()
	s := newSite(t, siteOptions{Module: wasmbuild.Package(t, "./filter"), Concurrency: 2, Shared: true})
	i := newIssuer(t, "k1")
	s.authority.keySet = i.keySet
	var down atomic.Bool
	picky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, secret, basic := r.BasicAuth()
		switch {
		case down.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case r.URL.Path != keysPath && (!basic || secret != siteSecret):
			w.WriteHeader(http.StatusUnauthorized)
		default:
			s.authority.introspect(w, r)
		}
	}))
	t.Cleanup(func() {
		picky.CloseClientConnections()
		picky.Close()
	})
	s.clustersAt(picky.Listener.Addr().String())

	const secret = "client_secret: {env: OKTA_CLIENT_SECRET}, "
	precheck := func(audience string) string {
		return secret + `precheck: {mode: jwt_then_introspect, jwks: {path: ` + keysPath + `}, issuer: "https://dev.okta.com", audience: [` + audience + `]}`
	}
	for n, tt := range []struct {
		name, before, after string
		waits               time.Duration
		down                bool
		want                outcome
		calls               int
	}{
		{"nothing of an answer", secret + `cache: {max_ttl: 1h}`, secret + `cache: {max_ttl: 1h}, retry: false`, 0, false, admitted, 0},
		{"a shorter max_ttl", secret + `cache: {max_ttl: 1h}`, secret + `cache: {max_ttl: 1s}`, 1100 * time.Millisecond, false, admitted, 1},
		{"no stale answers", secret + `cache: {max_ttl: 1s}, stale_if_error: 1h`, secret + `cache: {max_ttl: 1s}`, 1100 * time.Millisecond, true, outcome{503, "introspection.server_error"}, 0},
		{"stale answers", secret + `cache: {max_ttl: 1s}`, secret + `cache: {max_ttl: 1s}, stale_if_error: 1h`, 1100 * time.Millisecond, true, admitted, 0},
		{"another secret", secret + `cache: {max_ttl: 1h}`, `client_secret: {inline: other}, cache: {max_ttl: 1h}`, 0, false, outcome{500, "introspection.credentials_refused"}, 0},
		{"another audience", precheck("api://default"), precheck("api://other"), 0, false, outcome{401, "token.audience_mismatch"}, 0},
		{"one audience more", precheck("api://default"), precheck("api://other, api://default"), 0, false, admitted, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := s.on(t)
			down.Store(false)
			name, token := fmt.Sprintf("gw%d", n), i.token(t, "k1", fmt.Sprintf("subject-%d", n))
			serve := func(members string) {
				s.serve(plan{name: name, vm: fmt.Sprintf("limits-%d", n), config: policies(t,
					"- remove_api_key: {from: [{header: x-api-key}]}\n"+
						"- introspect_token: {cluster: okta, authority: dev.okta.com, path: /v1/introspect, client_id: gw, timeout: 2s, breaker: \"off\", "+members+"}\n")})
			}
			serve(tt.before)
			s.do("before", name, request(token), admitted)
			learned := time.Now()
			asked := s.authority.asked(token)
			serve(tt.after)
			s.drained()
			time.Sleep(time.Until(learned.Add(tt.waits)))
			down.Store(tt.down)
			for range 4 { // on whatever worker
				s.do("after", name, request(token), tt.want)
			}
			if got := s.authority.asked(token) - asked; got < tt.calls || tt.calls == 0 && got > 0 {
				t.Errorf("%d calls, want %d", got, tt.calls)
			}
		})
	}
	s.settled()
}
