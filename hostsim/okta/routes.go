package okta

import (
	"net/http"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// routes puts Okta's paths before the library's endpoints. Only what is listed
// here exists: the library's device and logout endpoints are not reachable.
func (o *Org) routes() http.Handler {
	lib := http.StripPrefix(serverPath, o.provider)
	metadata := methods(http.HandlerFunc(o.serveMetadata), http.MethodGet)

	mux := http.NewServeMux()
	mux.Handle(serverPath+"/.well-known/openid-configuration", metadata)
	mux.Handle(serverPath+"/.well-known/oauth-authorization-server", metadata)
	mux.Handle("/.well-known/oauth-authorization-server"+serverPath, metadata) // RFC 8414 section 3
	mux.Handle(serverPath+"/v1/keys", methods(cached(lib), http.MethodGet))
	mux.Handle(serverPath+"/v1/authorize", methods(lib, http.MethodGet, http.MethodPost))
	mux.Handle(serverPath+"/v1/authorize/callback", methods(lib, http.MethodGet))
	mux.Handle(serverPath+"/v1/userinfo", methods(lib, http.MethodGet, http.MethodPost))
	mux.Handle(loginPath, methods(http.HandlerFunc(o.serveLogin), http.MethodGet, http.MethodPost))
	mux.Handle(serverPath+"/v1/token", o.backChannel(EndpointToken, o.library(lib)))
	mux.Handle(serverPath+"/v1/revoke", o.backChannel(EndpointRevoke, o.revocation(lib)))
	mux.Handle(serverPath+"/v1/introspect", o.backChannel(EndpointIntrospect, o.introspect))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { errNotFound().write(w) })

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down, _, _ := o.faults.current(); down {
			if e := backChannelEndpoint(r.URL.Path); e != "" {
				o.calls.begin(e)
				o.calls.end(Call{Endpoint: e})
			}
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Okta-Request-Id", randomID(""))
		mux.ServeHTTP(w, r)
	})
}

func backChannelEndpoint(path string) Endpoint {
	for _, e := range []Endpoint{EndpointToken, EndpointIntrospect, EndpointRevoke} {
		if path == serverPath+"/v1/"+string(e) {
			return e
		}
	}
	return ""
}

func methods(h http.Handler, allowed ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(allowed, r.Method) {
			errMethod().write(w)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// cached gives the keys the Cache-Control that Okta documents as an example.
func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3832304, must-revalidate")
		h.ServeHTTP(w, r)
	})
}

// serveMetadata serves the library's document without what this org does not have.
func (o *Org) serveMetadata(w http.ResponseWriter, r *http.Request) {
	doc := op.CreateDiscoveryConfig(op.ContextWithIssuer(r.Context(), o.cfg.Issuer), o.provider, o.store)
	doc.DeviceAuthorizationEndpoint = ""
	doc.EndSessionEndpoint = ""
	doc.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	doc.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeClientCredentials}
	doc.TokenEndpointAuthMethodsSupported = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodNone}
	doc.IntrospectionEndpointAuthMethodsSupported = doc.TokenEndpointAuthMethodsSupported
	doc.RevocationEndpointAuthMethodsSupported = doc.TokenEndpointAuthMethodsSupported
	writeJSON(w, http.StatusOK, doc)
}
