package introspection

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

const oktaAnswer = `{"active":true,"token_type":"Bearer","scope":"openid customers.read","client_id":"0oa1portal",` +
	`"username":"alice@example.com","exp":1800000000,"iat":1799996400,"sub":"alice@example.com","aud":"api://default",` +
	`"iss":"https://dev-123456.okta.com/oauth2/default","jti":"AT.x","uid":"00u1"}`

// goodAnswers are answers and what they say.
var goodAnswers = []struct {
	name, body string
	want       pipeline.Claims
}{
	{"okta", oktaAnswer, pipeline.Claims{
		Active: true, Expires: 1800000000, Issuer: "https://dev-123456.okta.com/oauth2/default",
		Audience: []string{"api://default"}, ClientID: "0oa1portal", Subject: "alice@example.com",
		Scopes: []string{"openid", "customers.read"}, TokenType: "Bearer",
	}},
	{"active alone", `{"active":true}`, pipeline.Claims{Active: true}},
	{"blanks", " {\t\"active\" :\r\n true } \n", pipeline.Claims{Active: true}},
	{"inactive", `{"active":false}`, pipeline.Claims{}},
	{"inactive with claims", `{"active":false,"sub":"alice","exp":1800000000,"scope":"a","cnf":{}}`, pipeline.Claims{}},
	{"inactive with bad claims", `{"exp":"never","active":false,"aud":7,"scp":{}}`, pipeline.Claims{}},
	{"escaped names and values", `{"\u0061ctive":true,"s\u0075b":"\u00e9\ud83d\ude00\/\"\\"}`, pipeline.Claims{Active: true, Subject: `é😀/"\`}},
	{"scopes that come again", `{"active":true,"scope":"` + strings.Repeat("a ", maxScopes) + `"}`, pipeline.Claims{Active: true, Scopes: []string{"a"}}},
	{"names in other letters are other names", `{"active":true,"Active":false,"ACTIVE":7,"Exp":"x"}`, pipeline.Claims{Active: true}},
	{"several audiences", `{"active":true,"aud":["a","b"]}`, pipeline.Claims{Active: true, Audience: []string{"a", "b"}}},
	{"no audiences", `{"active":true,"aud":[]}`, pipeline.Claims{Active: true}},
	{"cid", `{"active":true,"cid":"0oa1"}`, pipeline.Claims{Active: true, ClientID: "0oa1"}},
	{"cid and client_id alike", `{"active":true,"cid":"0oa1","client_id":"0oa1"}`, pipeline.Claims{Active: true, ClientID: "0oa1"}},
	{"scp", `{"active":true,"scp":["a","b"]}`, pipeline.Claims{Active: true, Scopes: []string{"a", "b"}}},
	{"scope alone counts beside scp", `{"active":true,"scp":["b","c"],"scope":"a b"}`, pipeline.Claims{Active: true, Scopes: []string{"a", "b"}}},
	{"scope with many blanks", `{"active":true,"scope":"  a   b a "}`, pipeline.Claims{Active: true, Scopes: []string{"a", "b"}}},
	{"scope empty", `{"active":true,"scope":""}`, pipeline.Claims{Active: true}},
	{"cnf", `{"active":true,"cnf":{"jkt":"x"}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf of a key", `{"active":true,"cnf":{"jkt":"` + keyPrint + `"}}`, pipeline.Claims{Active: true, SenderConstrained: true, KeyThumbprint: keyPrint}},
	{"cnf of key and certificate", `{"active":true,"cnf":{"jkt":"` + keyPrint + `","x5t#S256":"` + certPrint + `"}}`, pipeline.Claims{Active: true, SenderConstrained: true, KeyThumbprint: keyPrint, CertificateThumbprint: certPrint}},
	{"cnf of a key and more", `{"active":true,"cnf":{"jkt":"` + keyPrint + `","kid":"` + certPrint + `"}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf twice the same", `{"active":true,"cnf":{"jkt":"` + keyPrint + `","jkt":"` + keyPrint + `"}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf of a whole key", `{"active":true,"cnf":{"jwk":{}}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf empty", `{"active":true,"cnf":{}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf of an empty thumbprint", `{"active":true,"cnf":{"jkt":""}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf of a huge thumbprint", `{"active":true,"cnf":{"x5t#S256":"` + strings.Repeat("A", 20_000) + `"}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf of a number", `{"active":true,"cnf":{"jkt":7}}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf with more members than are read", `{"active":true,"cnf":` + object(jsonobject.MaxMembers+1) + `}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"cnf that is a list", `{"active":true,"cnf":["` + keyPrint + `"]}`, pipeline.Claims{Active: true, SenderConstrained: true}},
	{"earliest times", `{"active":true,"exp":1,"nbf":0}`, pipeline.Claims{Active: true, Expires: 1}},
	{"latest times", `{"active":true,"exp":253402300799,"nbf":253402300799}`, pipeline.Claims{Active: true, Expires: lastSecond, NotBefore: lastSecond}},
	{"claims that no rule reads", `{"active":true,"iat":"x","username":null,"groups":[[{"active":false,"active":1}]],"":0}`, pipeline.Claims{Active: true}},
	{"other type", `{"active":true,"token_type":"refresh_token"}`, pipeline.Claims{Active: true, TokenType: "refresh_token"}},
	{"longest text", `{"active":true,"sub":"` + strings.Repeat("s", maxTextBytes) + `"}`, pipeline.Claims{Active: true, Subject: strings.Repeat("s", maxTextBytes)}},
	{"deepest", `{"active":true,"x":` + strings.Repeat("[", jsonobject.MaxDepth-1) + strings.Repeat("]", jsonobject.MaxDepth-1) + `}`, pipeline.Claims{Active: true}},
	{"brackets in strings are not nesting", `{"active":true,"x":"` + strings.Repeat(`[{\"`, jsonobject.MaxDepth) + `"}`, pipeline.Claims{Active: true}},
	{"most members", object(jsonobject.MaxMembers), pipeline.Claims{Active: true}},
}

// badAnswers are answers to 200 that say nothing that can be relied on.
var badAnswers = []struct {
	name, body string
	reason     fault.Reason
}{
	{"empty", ``, fault.IntrospectionNotJSON},
	{"html", `<html>active</html>`, fault.IntrospectionNotJSON},
	{"cut", `{"active":true`, fault.IntrospectionNotJSON},
	{"two objects", `{"active":true}{"active":true}`, fault.IntrospectionNotJSON},
	{"trailing", `{"active":true}x`, fault.IntrospectionNotJSON},
	{"trailing comma", `{"active":true,}`, fault.IntrospectionNotJSON},
	{"single quotes", `{'active':true}`, fault.IntrospectionNotJSON},
	{"comment", `{"active":true/**/}`, fault.IntrospectionNotJSON},
	{"byte order mark", "\xef\xbb\xbf" + `{"active":true}`, fault.IntrospectionNotJSON},
	{"not utf-8", "{\"active\":true,\"sub\":\"\xff\"}", fault.IntrospectionNotJSON},
	{"raw control character", "{\"active\":true,\"sub\":\"a\nb\"}", fault.IntrospectionNotJSON},
	{"bad escape", `{"active":true,"sub":"\x41"}`, fault.IntrospectionNotJSON},
	{"number with a zero in front", `{"active":true,"exp":01}`, fault.IntrospectionNotJSON},
	{"gzip", "\x1f\x8b\x08\x00", fault.IntrospectionNotJSON},

	{"no members", `{}`, fault.IntrospectionNoActive},
	{"array", `[{"active":true}]`, fault.IntrospectionNoActive},
	{"true", `true`, fault.IntrospectionNoActive},
	{"null", `null`, fault.IntrospectionNoActive},
	{"error object", `{"error":"invalid_client"}`, fault.IntrospectionNoActive},
	{"active in a string", `{"active":"true"}`, fault.IntrospectionNoActive},
	{"active as a number", `{"active":1}`, fault.IntrospectionNoActive},
	{"active null", `{"active":null}`, fault.IntrospectionNoActive},
	{"active as an array", `{"active":[true]}`, fault.IntrospectionNoActive},
	{"active in other letters", `{"Active":true}`, fault.IntrospectionNoActive},
	{"active deeper", `{"data":{"active":true}}`, fault.IntrospectionNoActive},
	{"active with a blank", `{"active ":true}`, fault.IntrospectionNoActive},

	{"active twice", `{"active":false,"active":true}`, fault.IntrospectionDuplicateMember},
	{"active twice alike", `{"active":true,"active":true}`, fault.IntrospectionDuplicateMember},
	{"active twice, once escaped", `{"active":false,"\u0061ctive":true}`, fault.IntrospectionDuplicateMember},
	{"exp twice", `{"active":true,"exp":1,"exp":2}`, fault.IntrospectionDuplicateMember},
	{"another member twice", `{"x":1,"active":true,"x":1}`, fault.IntrospectionDuplicateMember},
	{"a member twice in an inactive answer", `{"x":1,"active":false,"x":1}`, fault.IntrospectionDuplicateMember},

	{"exp in a string", `{"active":true,"exp":"1800000000"}`, fault.IntrospectionClaimsInvalid},
	{"exp null", `{"active":true,"exp":null}`, fault.IntrospectionClaimsInvalid},
	{"exp true", `{"active":true,"exp":true}`, fault.IntrospectionClaimsInvalid},
	{"exp zero", `{"active":true,"exp":0}`, fault.IntrospectionClaimsInvalid},
	{"exp negative", `{"active":true,"exp":-1}`, fault.IntrospectionClaimsInvalid},
	{"exp beyond the years", `{"active":true,"exp":253402300800}`, fault.IntrospectionClaimsInvalid},
	{"exp beyond 64 bits", `{"active":true,"exp":18446744073709551617}`, fault.IntrospectionClaimsInvalid},
	{"exp with a hundred digits", `{"active":true,"exp":1` + strings.Repeat("0", 100) + `}`, fault.IntrospectionClaimsInvalid},
	{"nbf in a string", `{"active":true,"nbf":"0"}`, fault.IntrospectionClaimsInvalid},
	{"nbf negative", `{"active":true,"nbf":-5}`, fault.IntrospectionClaimsInvalid},
	{"iss a number", `{"active":true,"iss":7}`, fault.IntrospectionClaimsInvalid},
	{"sub an object", `{"active":true,"sub":{}}`, fault.IntrospectionClaimsInvalid},
	{"sub with a line end", `{"active":true,"sub":"a\r\nx-admin: yes"}`, fault.IntrospectionClaimsInvalid},
	{"sub with nul", `{"active":true,"sub":"a\u0000"}`, fault.IntrospectionClaimsInvalid},
	{"sub with del", `{"active":true,"sub":"a\u007f"}`, fault.IntrospectionClaimsInvalid},
	{"sub with a c1 control", `{"active":true,"sub":"a\u0085"}`, fault.IntrospectionClaimsInvalid},
	{"sub with half a surrogate pair", `{"active":true,"sub":"a\ud800"}`, fault.IntrospectionClaimsInvalid},
	{"token_type an array", `{"active":true,"token_type":["Bearer"]}`, fault.IntrospectionClaimsInvalid},
	{"aud a number", `{"active":true,"aud":7}`, fault.IntrospectionClaimsInvalid},
	{"aud an object", `{"active":true,"aud":{"a":"b"}}`, fault.IntrospectionClaimsInvalid},
	{"aud with a number among strings", `{"active":true,"aud":["a",7,"b"]}`, fault.IntrospectionClaimsInvalid},
	{"aud with an empty one", `{"active":true,"aud":["a",""]}`, fault.IntrospectionClaimsInvalid},
	{"aud nested", `{"active":true,"aud":[["a"]]}`, fault.IntrospectionClaimsInvalid},
	{"client_id a number", `{"active":true,"client_id":1}`, fault.IntrospectionClaimsInvalid},
	{"scope an array", `{"active":true,"scope":["a"]}`, fault.IntrospectionClaimsInvalid},
	{"scope a number", `{"active":true,"scope":1}`, fault.IntrospectionClaimsInvalid},
	{"scope with a line end", `{"active":true,"scope":"a\nb"}`, fault.IntrospectionClaimsInvalid},
	{"scope with a tab", `{"active":true,"scope":"a\tb"}`, fault.IntrospectionClaimsInvalid},
	{"scope with a quote", `{"active":true,"scope":"a\"b"}`, fault.IntrospectionClaimsInvalid},
	{"scope with a backslash", `{"active":true,"scope":"a\\b"}`, fault.IntrospectionClaimsInvalid},
	{"scope not ascii", `{"active":true,"scope":"größe"}`, fault.IntrospectionClaimsInvalid},
	{"scp an object", `{"active":true,"scp":{"0":"a"}}`, fault.IntrospectionClaimsInvalid},
	{"scp with a number", `{"active":true,"scp":["a",1]}`, fault.IntrospectionClaimsInvalid},
	{"scp with an empty one", `{"active":true,"scp":[""]}`, fault.IntrospectionClaimsInvalid},
	{"scp with two in one", `{"active":true,"scp":["a admin"]}`, fault.IntrospectionClaimsInvalid},
}

// object has n members, active among them.
func object(n int) string {
	var b strings.Builder
	b.WriteString(`{"active":true`)
	for i := range n - 1 {
		fmt.Fprintf(&b, `,"m%d":0`, i)
	}
	return b.String() + "}"
}

func numbered(n int, separator string) string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	return strings.Join(names, separator)
}

// wide is n different scopes as long as one may be, of one letter each.
func wide(letter byte, n int) string {
	var names []string
	for i := range n {
		names = append(names, strings.Repeat(string(rune(letter)+rune(i)), maxTextBytes))
	}
	return strings.Join(names, " ")
}

func TestReadClaims(t *testing.T) {
	for _, tt := range goodAnswers {
		t.Run(tt.name, func(t *testing.T) {
			claims, reason, ok := readClaims([]byte(tt.body))
			if !ok {
				t.Fatalf("refused for %v", reason)
			}
			if diff := cmp.Diff(&tt.want, claims, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadClaimsRefuses(t *testing.T) {
	for _, tt := range badAnswers {
		t.Run(tt.name, func(t *testing.T) {
			claims, reason, ok := readClaims([]byte(tt.body))
			if ok || claims != nil || reason != tt.reason {
				t.Errorf("got %+v, %v (%v), want %v", claims, ok, reason, tt.reason)
			}
		})
	}
}
