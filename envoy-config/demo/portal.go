package demo

import (
	"context"
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
)

//go:embed portal.html portal.css portal.js element.js
var portalFiles embed.FS

var portalPage = pageOf(portalFiles, "portal.html")

// PortalConfig says where the portal stands between Okta and the gateway.
type PortalConfig struct {
	BaseURL    string // of the portal itself, as a browser sees it
	Issuer     string // of Okta
	ClientID   string // a public client; the redirect is BaseURL + PortalCallback
	Scopes     []string
	GatewayURL string
	// APIKey stays on this side: it is sent to the gateway and never to a browser.
	APIKey string
	// Client reaches Okta and the gateway.
	Client *http.Client
	// Pages adds pages next to the portal, behind the same protection; nil adds none.
	Pages func(*http.ServeMux)
}

// PortalCallback is the path of the portal's redirect URI.
const PortalCallback = "/callback"

// Portal is a small customer portal: a server that logs people in and calls the
// API for them. The browser gets a session cookie, never the key or a token.
type Portal struct {
	cfg      PortalConfig
	party    rp.RelyingParty
	sessions sessions
	handler  http.Handler
}

// NewPortal reads Okta's metadata, so Okta must be up.
func NewPortal(ctx context.Context, cfg PortalConfig) (*Portal, error) {
	party, err := rp.NewRelyingPartyOIDC(ctx, cfg.Issuer, cfg.ClientID, "", cfg.BaseURL+PortalCallback, cfg.Scopes,
		rp.WithHTTPClient(cfg.Client),
		rp.WithVerifierOpts(rp.WithNonce(nonceFrom), rp.WithIssuedAtOffset(5*time.Second)))
	if err != nil {
		return nil, fmt.Errorf("start portal: %w", err)
	}
	if _, err := url.Parse(cfg.GatewayURL); err != nil {
		return nil, fmt.Errorf("start portal: gateway address: %w", err)
	}
	p := &Portal{cfg: cfg, party: party}
	p.handler = p.routes()
	return p, nil
}

// ServeHTTP serves the portal.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

func (p *Portal) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		p.render(w, r, http.StatusOK, view{})
	})
	for _, file := range []string{"portal.css", "portal.js", "element.js"} {
		mux.Handle("GET /"+file, http.FileServerFS(portalFiles))
	}
	mux.HandleFunc("POST /login", p.serveLogin)
	mux.HandleFunc("GET "+PortalCallback, p.serveCallback)
	mux.HandleFunc("POST /call", p.signedIn(p.serveCall))
	mux.HandleFunc("POST /revoke", p.signedIn(p.serveRevoke))
	mux.HandleFunc("POST /logout", p.serveLogout)
	if p.cfg.Pages != nil {
		p.cfg.Pages(mux)
	}
	return hardened(http.NewCrossOriginProtection().Handler(mux))
}

// hardened sets what every page of the portal needs: nothing from elsewhere, no frames, no cache.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// view is what the page shows.
type view struct {
	User    *person
	Calls   []apiCall
	Cards   []apiCall
	Page    string // "" when there are none besides this one
	Form    callForm
	Result  *result
	Notice  string
	Problem string
}

func (p *Portal) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	if s, ok := p.sessions.find(r); ok && s.token != "" {
		v.User = &s.user
	}
	v.Calls, v.Cards = apiCalls, apiCalls[:dashboardCards]
	if p.cfg.Pages != nil {
		v.Page = "portal"
	}
	if v.Result == nil {
		v.Form = callForm{Call: firstCall, WithKey: true, WithToken: true, Times: 1}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = portalPage.Execute(w, v) // an error means that the client has left
}
