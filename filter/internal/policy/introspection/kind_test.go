package introspection

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// otherKinds are members by which servers say that a token is not an access token.
// They stand beside the issuer and the audience of an access token.
var otherKinds = []struct{ name, members string }{
	{"HubSpot, Hydra: refresh token", `"token_type":"Bearer","token_use":"refresh_token","client_id":"c","scope":"a"`},
	{"Hydra: nothing else", `"token_use":"refresh_token"`},
	{"Cognito: ID token", `"token_use":"id"`},
	{"token_use in capitals", `"token_use":"REFRESH","scope":"a"`},
	{"token_use of nobody knows what", `"token_use":"frobnicate","scope":"a"`},
	{"token_use that is not text", `"token_use":["access"],"scope":"a"`},
	{"token_use false", `"token_use":false,"scope":"a"`},
	{"token_use too long", `"token_use":"access` + strings.Repeat("_", 100) + `"`},
	{"OpenIddict: refresh token", `"token_usage":"refresh_token","token_type":"Bearer","client_id":"c"`},
	{"OpenIddict: ID token", `"token_usage":"id_token"`},
	{"OpenIddict: authorization code", `"token_usage":"authorization_code"`},
	{"OpenIddict: state token", `"token_usage":"state_token"`},
	{"OpenIddict: claim of the token", `"oi_tkn_typ":"refresh_token","scope":"a"`},
	{"OpenIddict 7: URN", `"oi_tkn_typ":"urn:ietf:params:oauth:token-type:refresh_token","scope":"a"`},
	{"OpenIddict 7: private URN", `"oi_tkn_typ":"urn:openiddict:params:oauth:token-type:state_token"`},
	{"token_kind", `"token_kind":"refresh"`},
	{"ForgeRock: refresh token", `"tokenName":"refresh_token","token_type":"Bearer","scope":"a","client_id":"c"`},
	{"ForgeRock: ID token", `"tokenName":"id_token"`},
	{"Keycloak: ID token", `"typ":"ID","azp":"c","at_hash":"x","nonce":"n","sid":"s"`},
	{"Keycloak: ID token without a hash", `"typ":"ID","azp":"c"`},
	{"Keycloak: refresh token", `"typ":"Refresh","azp":"c","scope":"openid"`},
	{"Keycloak: offline token", `"typ":"Offline","azp":"c","scope":"openid offline_access"`},
	{"Keycloak: logout token", `"typ":"Logout","events":{"http://schemas.openid.net/event/backchannel-logout":{}}`},
	{"Keycloak: action token", `"typ":"execute-actions"`},
	{"Keycloak: initial access token", `"typ":"InitialAccessToken"`},
	{"Keycloak: registration access token", `"typ":"RegistrationAccessToken"`},
	{"Keycloak: serialized ID token", `"typ":"Serialized-ID"`},
	{"typ of a number", `"typ":1,"scope":"a"`},
	{"typ DPoP of a token that is bound to nothing", `"typ":"DPoP","scope":"a"`},
	{"token_type of a refresh token", `"token_type":"refresh_token","scope":"a"`},
	{"token_type Refresh", `"token_type":"Refresh"`},
	{"token_type of an ID token", `"token_type":"id_token"`},
	{"token_type as a URN of RFC 8693", `"token_type":"urn:ietf:params:oauth:token-type:refresh_token"`},
	{"token_type as a URN of an ID token", `"token_type":"urn:ietf:params:oauth:token-type:id_token"`},
	{"token_type of RFC 8693 that cannot be presented", `"token_type":"N_A"`},
	{"token_type mac", `"token_type":"mac"`},
	{"Curity: refresh token", `"purpose":"refresh_token","scope":"a","client_id":"c"`},
	{"Curity: ID token", `"purpose":"id","nonce":"n"`},
	{"token_class", `"token_class":"refresh_token"`},
	{"FusionAuth: ID token", `"tty":"id"`},
	{"Flask: refresh token", `"type":"refresh"`},
	{"kind", `"kind":"RefreshToken"`},
	{"use", `"use":"id_token"`},
	{"ID token: at_hash", `"at_hash":"x","client_id":"c","scope":"a"`},
	{"ID token: c_hash", `"c_hash":"x"`},
	{"ID token: s_hash", `"s_hash":"x"`},
	{"ID token: hash that is not text", `"at_hash":7`},
	{"ID token: nonce", `"nonce":"n","auth_time":1700000000,"azp":"c"`},
	{"ID token: nonce that is not text", `"nonce":{}`},
	{"logout token", `"events":{"http://schemas.openid.net/event/backchannel-logout":{}},"sid":"s","client_id":"c"`},
	{"security event token", `"events":{"urn:ietf:params:event:x":{"a":1}},"scope":"a"`},
	{"answer of an introspection as a JWT", `"token_introspection":{"active":true,"scope":"a"}`},
	{"two that differ", `"token_use":"access","token_usage":"refresh_token"`},
}

// accessTokens are ordinary access tokens of servers, and their answers: no such
// member may cost them anything.
var accessTokens = []struct{ name, members string }{
	{"nothing", `"jti":"x"`},
	{"Okta: token", `"ver":1,"jti":"AT.x","cid":"c","uid":"00u","scp":["a"],"auth_time":1700000000`},
	{"Okta: answer", `"token_type":"Bearer","scope":"a","client_id":"c","username":"u","uid":"00u","device_id":"d"`},
	{"Keycloak: token", `"typ":"Bearer","azp":"c","sid":"s","acr":"1","auth_time":1700000000,"realm_access":{"roles":["r"]},"scope":"openid"`},
	{"Keycloak: lightweight token", `"typ":"Bearer","azp":"c","jti":"onrtac:x"`},
	{"Keycloak: older token with a nonce", `"typ":"Bearer","azp":"c","nonce":"n","session_state":"s","scope":"openid"`},
	{"Keycloak: answer", `"typ":"Bearer","token_type":"Bearer","azp":"c","client_id":"c","username":"u","scope":"openid","sid":"s"`},
	{"Entra v1", `"ver":"1.0","appid":"c","appidacr":"1","scp":"a b","aio":"x","rh":"y","uti":"z","idtyp":"user"`},
	{"Entra v1 of an app", `"ver":"1.0","appid":"c","roles":["r"],"idtyp":"app"`},
	{"Entra v2", `"ver":"2.0","azp":"c","azpacr":"0","scp":"a","name":"n","oid":"o","tid":"t"`},
	{"Entra v2 of an app", `"ver":"2.0","azp":"c","roles":["r"]`},
	{"Auth0", `"azp":"c","scope":"a b","gty":"password","permissions":["p"]`},
	{"Auth0 of a machine", `"azp":"c","gty":"client-credentials","scope":"a"`},
	{"Cognito", `"token_use":"access","client_id":"c","scope":"a","auth_time":1700000000,"version":2,"origin_jti":"x","event_id":"e","username":"u"`},
	{"Hydra: token", `"client_id":"c","ext":{},"scp":["a"]`},
	{"Hydra: answer", `"token_type":"Bearer","token_use":"access_token","client_id":"c","scope":"a","nbf":1700000000`},
	{"OpenIddict: token", `"oi_prst":"c","oi_au_id":"x","client_id":"c","oi_tkn_id":"y","scope":"a","oi_tkn_typ":"access_token"`},
	{"OpenIddict 7: token", `"oi_tkn_typ":"urn:ietf:params:oauth:token-type:access_token","client_id":"c"`},
	{"OpenIddict: answer", `"token_type":"Bearer","token_usage":"access_token","client_id":"c","scope":"a"`},
	{"Ping: token", `"client_id":"c","env":"e","org":"o","p1.rid":"r","scope":"a","sid":"s"`},
	{"Ping: answer", `"token_type":"Bearer","client_id":"c","scope":"a"`},
	{"ForgeRock: token", `"cts":"OAUTH2_STATELESS_GRANT","tokenName":"access_token","token_type":"Bearer","nonce":"n","grant_type":"authorization_code","auth_time":1700000000,"auth_level":0,"realm":"/a","expires_in":3600,"subname":"u"`},
	{"ForgeRock: answer", `"token_type":"Bearer","client_id":"c","scope":"a","user_id":"u","grant_type":"x","auditTrackingId":"y","realm":"/"`},
	{"Spring", `"scope":"a","client_id":"c"`},
	{"oidc-provider: token", `"scope":"a","client_id":"c"`},
	{"oidc-provider: answer", `"token_type":"Bearer","client_id":"c","scope":"a"`},
	{"Duende: answer", `"token_type":"access_token","client_id":"c","scope":"a"`},
	{"Salesforce: answer", `"token_type":"access_token","client_id":"c","username":"u","scope":"api"`},
	{"Curity", `"purpose":"access_token","token_type":"bearer","delegationId":"d","scope":"a"`},
	{"FusionAuth", `"tty":"at","auth_time":1700000000,"tid":"t","applicationId":"c","roles":[]`},
	{"RFC 8693", `"token_type":"urn:ietf:params:oauth:token-type:access_token"`},
	{"members that say nothing", `"token_use":null,"token_usage":"","typ":null,"at_hash":"","nonce":null,"events":null`},
	{"typ JWT", `"typ":"JWT","scope":"a"`},
	{"typ at+jwt", `"typ":"at+jwt"`},
	{"typ application/at+jwt", `"typ":"application/at+jwt"`},
	{"nonce beside a client", `"nonce":"n","client_id":"c"`},
	{"nonce beside a scope", `"nonce":"n","scp":"a"`},
	{"auth_time alone", `"auth_time":1700000000,"acr":"1","amr":["pwd"],"sid":"s"`},
	{"private type", `"type":"employee","kind":"premium","use":"batch","token_class":"gold"`},
	{"private purpose", `"purpose":"treatment"`},
	{"private type of a number", `"type":1,"purpose":["refresh"]`},
	{"private events of a list", `"events":["login"]`},
	{"private events of names", `"events":{"login":3}`},
	{"a name that only begins alike", `"token_uses":"refresh","Token_use":"refresh","typ ":"ID"`},
	{"deeper", `"ext":{"token_use":"refresh","typ":"ID","at_hash":"x"}`},
}

// TestTokenKind: introspect_token alone, without require_token, lets access
// tokens pass and no others, whether a server answers for them or they are their
// own witness; and what was learned of one is kept for the next request.
func TestTokenKind(t *testing.T) {
	for _, tt := range otherKinds {
		t.Run(tt.name, func(t *testing.T) {
			for where, play := range kindReaders(t) {
				for _, when := range []string{"first", "again"} {
					x := play("", tt.members)
					if x.verdict != pipeline.Denied || x.run.Denial().Reason != denial.TokenTypeUnsupported {
						t.Errorf("%s, %s: verdict %v, %v", where, when, x.verdict, x.run.Denial().Reason)
					}
				}
			}
		})
	}
	for _, tt := range accessTokens {
		t.Run(tt.name, func(t *testing.T) {
			for where, play := range kindReaders(t) {
				for _, when := range []string{"first", "again"} {
					if x := play("", tt.members); x.verdict != pipeline.Admitted {
						t.Errorf("%s, %s: refused for %v", where, when, x.run.Denial().Reason)
					}
				}
			}
		})
	}
	t.Logf("%d other kinds are refused, %d access tokens pass, in answers and in JWTs", len(otherKinds), len(accessTokens))
}

// kindReaders bring a token with the members to a step that asks and to one that
// asks nobody.
func kindReaders(t *testing.T) map[string]func(typ, members string) *exchange {
	t.Helper()
	asking := newBench(nil)
	local := newBench(nil)
	issuer := newSigner(t)
	local.seq = pipeline.NewSequence(localOn(local, checked(0)))
	common := fmt.Sprintf(`"iss":"https://idp.example","aud":"a","sub":"jane","exp":%d,`, asking.now.Unix()+300)
	return map[string]func(typ, members string) *exchange{
		"answer": func(_, members string) *exchange {
			x := asking.arrive("token")
			if x.verdict == pipeline.Parked {
				asking.land(len(asking.air.calls)-1, answered(200, `{"active":true,`+common+members+`}`))
			}
			return x
		},
		"jwt": func(typ, members string) *exchange {
			x := local.arrive(issuer.typed(t, typ, `{`+common+members+`}`))
			if x.verdict == pipeline.Parked {
				local.land(len(local.air.calls)-1, issuer.keys(t))
			}
			return x
		},
	}
}

func localOn(b *bench, o *Precheck) pipeline.Step {
	return NewLocal(*o, Binding{}, host.Ports{Store: memstore.New(nil), Dispatcher: b.air.dispatch, Metrics: b, Warn: func(string) {}, ClientCertificate: func() string { return "" }})
}

// TestTokenKindOfHeader: typ of a JWT's header tells its kind (RFC 8725 section
// 3.11), and may be demanded.
func TestTokenKindOfHeader(t *testing.T) {
	for _, tt := range []struct {
		typ             string
		passes, demands bool // by default, and where at+jwt is demanded
	}{
		{"", true, false},
		{"JWT", true, false},
		{"jwt", true, false},
		{"at+jwt", true, true},
		{"AT+JWT", true, true},
		{"application/at+jwt", true, true},
		{"application/okta-internal-at+jwt", false, false},
		{"okta-internal-at+jwt", false, false},
		{"oi_reft+jwt", false, false},
		{"oi_auc+jwt", false, false},
		{"logout+jwt", false, false},
		{"secevent+jwt", false, false},
		{"dpop+jwt", false, false},
		{"token-introspection+jwt", false, false},
		{"oauth-authz-req+jwt", false, false},
		{"id_token", false, false},
		{"rt", false, false},
		{"application/", false, false},
	} {
		for _, demand := range []bool{false, true} {
			o := checked(0)
			o.AccessTokenType = demand
			p := newPrecheck(*o, host.Ports{Store: memstore.New(nil)})
			m := &jose.Message{Header: jose.Header{Algorithm: jose.ES256, Type: tt.typ}, Payload: []byte(`{"iss":"https://idp.example","aud":"a","exp":1900000000}`)}
			want := tt.passes && (!demand || tt.demands)
			_, reason, ok := p.claims(m, 1_800_000_000*int64(time.Second))
			if ok != want || !ok && reason != denial.TokenTypeUnsupported {
				t.Errorf("typ %q, demanded %v: passes %v (%v), want %v", tt.typ, demand, ok, reason, want)
			}
		}
	}
}

// TestTokenKindNonceOfTypedToken: a header that says what it is spares an access
// token the doubt about its nonce, and no more than that.
func TestTokenKindNonceOfTypedToken(t *testing.T) {
	play := kindReaders(t)["jwt"]
	for _, tt := range []struct {
		typ, members string
		passes       bool
	}{
		{"at+jwt", `"nonce":"n"`, true},
		{"JWT", `"nonce":"n"`, false},
		{"at+jwt", `"at_hash":"x"`, false},
		{"at+jwt", `"typ":"ID"`, false},
	} {
		if x := play(tt.typ, tt.members); (x.verdict == pipeline.Admitted) != tt.passes {
			t.Errorf("typ %s, %s: verdict %v (%v)", tt.typ, tt.members, x.verdict, x.run.Denial().Reason)
		}
	}
}

// TestTokenKindThenDPoP: a token that is bound to a key passes with its proof
// whatever name the server has for its type, and a refresh token does not.
func TestTokenKindThenDPoP(t *testing.T) {
	jane := newHolder(t)
	for members, passes := range map[string]bool{
		`"token_type":"DPoP"`: true, `"typ":"DPoP"`: true, `"typ":"dpop","token_type":"DPoP"`: true, `"token_type":"Bearer"`: true,
		`"typ":"Refresh"`: false, `"token_type":"DPoP","token_use":"refresh_token"`: false,
	} {
		b := newBench(withDPoP)
		x := b.bring("DPoP token", jane.proof(t, "token", "id-1", b.now.Unix()))
		b.land(0, answered(200, fmt.Sprintf(`{"active":true,"exp":%d,"cnf":{"jkt":%q},%s}`, b.now.Unix()+300, jane.thumbprint(t), members)))
		if (x.verdict == pipeline.Admitted) != passes {
			t.Errorf("%s: verdict %v (%v)", members, x.verdict, x.run.Denial().Reason)
		}
		if y := b.bring("Bearer token", ""); y.verdict == pipeline.Admitted {
			t.Errorf("%s: passes without a proof", members)
		}
	}
}
