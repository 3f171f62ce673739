package introspection

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
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
	reason     denial.Reason
}{
	{"empty", ``, denial.IntrospectionNotJSON},
	{"html", `<html>active</html>`, denial.IntrospectionNotJSON},
	{"cut", `{"active":true`, denial.IntrospectionNotJSON},
	{"two objects", `{"active":true}{"active":true}`, denial.IntrospectionNotJSON},
	{"trailing", `{"active":true}x`, denial.IntrospectionNotJSON},
	{"trailing comma", `{"active":true,}`, denial.IntrospectionNotJSON},
	{"single quotes", `{'active':true}`, denial.IntrospectionNotJSON},
	{"comment", `{"active":true/**/}`, denial.IntrospectionNotJSON},
	{"byte order mark", "\xef\xbb\xbf" + `{"active":true}`, denial.IntrospectionNotJSON},
	{"not utf-8", "{\"active\":true,\"sub\":\"\xff\"}", denial.IntrospectionNotJSON},
	{"raw control character", "{\"active\":true,\"sub\":\"a\nb\"}", denial.IntrospectionNotJSON},
	{"bad escape", `{"active":true,"sub":"\x41"}`, denial.IntrospectionNotJSON},
	{"number with a zero in front", `{"active":true,"exp":01}`, denial.IntrospectionNotJSON},
	{"gzip", "\x1f\x8b\x08\x00", denial.IntrospectionNotJSON},

	{"no members", `{}`, denial.IntrospectionNoActive},
	{"array", `[{"active":true}]`, denial.IntrospectionNoActive},
	{"true", `true`, denial.IntrospectionNoActive},
	{"null", `null`, denial.IntrospectionNoActive},
	{"error object", `{"error":"invalid_client"}`, denial.IntrospectionNoActive},
	{"active in a string", `{"active":"true"}`, denial.IntrospectionNoActive},
	{"active as a number", `{"active":1}`, denial.IntrospectionNoActive},
	{"active null", `{"active":null}`, denial.IntrospectionNoActive},
	{"active as an array", `{"active":[true]}`, denial.IntrospectionNoActive},
	{"active in other letters", `{"Active":true}`, denial.IntrospectionNoActive},
	{"active deeper", `{"data":{"active":true}}`, denial.IntrospectionNoActive},
	{"active with a blank", `{"active ":true}`, denial.IntrospectionNoActive},

	{"active twice", `{"active":false,"active":true}`, denial.IntrospectionDuplicateMember},
	{"active twice alike", `{"active":true,"active":true}`, denial.IntrospectionDuplicateMember},
	{"active twice, once escaped", `{"active":false,"\u0061ctive":true}`, denial.IntrospectionDuplicateMember},
	{"exp twice", `{"active":true,"exp":1,"exp":2}`, denial.IntrospectionDuplicateMember},
	{"another member twice", `{"x":1,"active":true,"x":1}`, denial.IntrospectionDuplicateMember},
	{"a member twice in an inactive answer", `{"x":1,"active":false,"x":1}`, denial.IntrospectionDuplicateMember},

	{"exp in a string", `{"active":true,"exp":"1800000000"}`, denial.IntrospectionClaimsInvalid},
	{"exp null", `{"active":true,"exp":null}`, denial.IntrospectionClaimsInvalid},
	{"exp true", `{"active":true,"exp":true}`, denial.IntrospectionClaimsInvalid},
	{"exp zero", `{"active":true,"exp":0}`, denial.IntrospectionClaimsInvalid},
	{"exp negative", `{"active":true,"exp":-1}`, denial.IntrospectionClaimsInvalid},
	{"exp beyond the years", `{"active":true,"exp":253402300800}`, denial.IntrospectionClaimsInvalid},
	{"exp beyond 64 bits", `{"active":true,"exp":18446744073709551617}`, denial.IntrospectionClaimsInvalid},
	{"exp with a hundred digits", `{"active":true,"exp":1` + strings.Repeat("0", 100) + `}`, denial.IntrospectionClaimsInvalid},
	{"nbf in a string", `{"active":true,"nbf":"0"}`, denial.IntrospectionClaimsInvalid},
	{"nbf negative", `{"active":true,"nbf":-5}`, denial.IntrospectionClaimsInvalid},
	{"iss a number", `{"active":true,"iss":7}`, denial.IntrospectionClaimsInvalid},
	{"sub an object", `{"active":true,"sub":{}}`, denial.IntrospectionClaimsInvalid},
	{"sub with a line end", `{"active":true,"sub":"a\r\nx-admin: yes"}`, denial.IntrospectionClaimsInvalid},
	{"sub with nul", `{"active":true,"sub":"a\u0000"}`, denial.IntrospectionClaimsInvalid},
	{"sub with del", `{"active":true,"sub":"a\u007f"}`, denial.IntrospectionClaimsInvalid},
	{"sub with a c1 control", `{"active":true,"sub":"a\u0085"}`, denial.IntrospectionClaimsInvalid},
	{"sub with half a surrogate pair", `{"active":true,"sub":"a\ud800"}`, denial.IntrospectionClaimsInvalid},
	{"token_type an array", `{"active":true,"token_type":["Bearer"]}`, denial.IntrospectionClaimsInvalid},
	{"aud a number", `{"active":true,"aud":7}`, denial.IntrospectionClaimsInvalid},
	{"aud an object", `{"active":true,"aud":{"a":"b"}}`, denial.IntrospectionClaimsInvalid},
	{"aud with a number among strings", `{"active":true,"aud":["a",7,"b"]}`, denial.IntrospectionClaimsInvalid},
	{"aud with an empty one", `{"active":true,"aud":["a",""]}`, denial.IntrospectionClaimsInvalid},
	{"aud nested", `{"active":true,"aud":[["a"]]}`, denial.IntrospectionClaimsInvalid},
	{"client_id a number", `{"active":true,"client_id":1}`, denial.IntrospectionClaimsInvalid},
	{"scope an array", `{"active":true,"scope":["a"]}`, denial.IntrospectionClaimsInvalid},
	{"scope a number", `{"active":true,"scope":1}`, denial.IntrospectionClaimsInvalid},
	{"scope with a line end", `{"active":true,"scope":"a\nb"}`, denial.IntrospectionClaimsInvalid},
	{"scope with a tab", `{"active":true,"scope":"a\tb"}`, denial.IntrospectionClaimsInvalid},
	{"scope with a quote", `{"active":true,"scope":"a\"b"}`, denial.IntrospectionClaimsInvalid},
	{"scope with a backslash", `{"active":true,"scope":"a\\b"}`, denial.IntrospectionClaimsInvalid},
	{"scope not ascii", `{"active":true,"scope":"größe"}`, denial.IntrospectionClaimsInvalid},
	{"scp an object", `{"active":true,"scp":{"0":"a"}}`, denial.IntrospectionClaimsInvalid},
	{"scp with a number", `{"active":true,"scp":["a",1]}`, denial.IntrospectionClaimsInvalid},
	{"scp with an empty one", `{"active":true,"scp":[""]}`, denial.IntrospectionClaimsInvalid},
	{"scp with two in one", `{"active":true,"scp":["a admin"]}`, denial.IntrospectionClaimsInvalid},
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
