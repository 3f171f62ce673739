package starter

import (
	"fmt"
	"net/url"
	"strings"
)

// Kinds are the identity servers whose paths are known, rfc7662 for any other one with introspection, and none for API
// keys only.
var Kinds = []string{"okta", "keycloak", "entra", "rfc7662", "none"}

// server is where the gateway asks about tokens.
type server struct {
	cluster, authority   string
	introspection, jwks  string // paths, "" for none
	secretEnv            string
	precheck, onlyChecks bool // by the issuer's keys: in addition, or only
}

// server reads the issuer's URL, and knows the paths below it.
func (a Answers) server() (s server, err error) {
	issuer, err := absolute("--issuer", a.Issuer)
	if err != nil {
		return s, err
	}
	s.authority, s.secretEnv = issuer.Host, a.SecretEnv
	path := strings.TrimSuffix(issuer.Path, "/")
	switch a.Server {
	case "okta":
		s.cluster, s.precheck = "okta", true
		if !strings.HasPrefix(path, "/oauth2/") {
			return s, fmt.Errorf("--issuer: Okta's custom authorization servers are https://YOUR.okta.com/oauth2/default or similar, got %q: the org authorization server issues tokens only for Okta itself", a.Issuer)
		}
		s.introspection, s.jwks = path+"/v1/introspect", path+"/v1/keys"
	case "keycloak":
		s.cluster, s.precheck = "keycloak", true
		if !strings.Contains(path, "/realms/") {
			return s, fmt.Errorf("--issuer: Keycloak's is https://HOST/realms/REALM, got %q", a.Issuer)
		}
		s.introspection, s.jwks = path+"/protocol/openid-connect/token/introspect", path+"/protocol/openid-connect/certs"
	case "entra":
		s.cluster, s.onlyChecks = "entra", true
		tenant, ok := strings.CutSuffix(path, "/v2.0")
		if !ok || tenant == "" {
			return s, fmt.Errorf("--issuer: Entra's is https://login.microsoftonline.com/TENANT/v2.0, got %q", a.Issuer)
		}
		s.jwks = tenant + "/discovery/v2.0/keys"
	case "rfc7662":
		s.cluster = "identity"
		endpoint, err := absolute("--introspection", a.Introspection)
		if err != nil {
			return s, err
		}
		s.authority, s.introspection = endpoint.Host, endpoint.RequestURI()
	}
	if s.secretEnv == "" {
		s.secretEnv = strings.ToUpper(s.cluster) + "_CLIENT_SECRET"
	}
	return s, nil
}

func absolute(flag, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		return nil, fmt.Errorf("%s: must be a URL such as https://login.example.com/realms/customers", flag)
	}
	return u, nil
}
