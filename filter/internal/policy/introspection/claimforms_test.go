package introspection

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// forms are members in the forms in which servers write them, and what is read.
// They stand beside what every row has; only those whose where is "" are read
// alike in an answer and in a JWT.
var forms = []struct {
	name, where, members string
	want                 pipeline.Claims
}{
	{"exp with a fraction", "", `"exp":1800000000.5`, pipeline.Claims{Expires: 1800000000}},
	{"exp a millisecond before a second", "", `"exp":1800000000.999`, pipeline.Claims{Expires: 1800000000}},
	{"exp of a double", "", `"exp":1.8e9`, pipeline.Claims{Expires: 1800000000}},
	{"exp with a fraction of nothing", "", `"exp":1800000000.000`, pipeline.Claims{Expires: 1800000000}},
	{"nbf with a fraction begins late", "", `"nbf":1700000000.001`, pipeline.Claims{NotBefore: 1700000001}},
	{"nbf with a fraction of nothing", "", `"nbf":1700000000.0`, pipeline.Claims{NotBefore: 1700000000}},
	{"nbf at the end of the years", "", `"nbf":253402300799.5`, pipeline.Claims{NotBefore: lastSecond + 1}},
	{"iat in whatever form", "", `"iat":1700000000.25`, pipeline.Claims{}},
	{"iat null", "", `"iat":null`, pipeline.Claims{}},

	{"all that is optional is null", "", `"nbf":null,"iat":null,"iss":null,"sub":null,"aud":null,"client_id":null,"scope":null,"scp":null,"cid":null,"azp":null,"token_type":null,"cnf":null,"typ":null,"token_use":null,"nonce":null,"at_hash":null,"events":null`, pipeline.Claims{}},
	{"all that is optional is empty", "", `"nbf":"","iat":"","iss":"","sub":"","aud":"","client_id":"","scope":"","scp":"","cid":"","azp":"","token_type":"","cnf":"","typ":"","token_use":"","nonce":"","at_hash":"","events":""`, pipeline.Claims{}},
	{"cid where client_id is null", "", `"client_id":null,"cid":"portal"`, pipeline.Claims{ClientID: "portal"}},
	{"client_id where cid is null", "", `"cid":null,"client_id":"portal"`, pipeline.Claims{ClientID: "portal"}},
	{"scp where scope is empty", "", `"scope":"","scp":["a"]`, pipeline.Claims{Scopes: []string{"a"}}},

	{"scp with blanks", "", `"scp":"a b"`, pipeline.Claims{Scopes: []string{"a", "b"}}},
	{"scp of one", "", `"scp":"a"`, pipeline.Claims{Scopes: []string{"a"}}},
	{"scp of blanks", "", `"scp":"  "`, pipeline.Claims{}},
	{"scp empty", "", `"scp":[]`, pipeline.Claims{}},

	{"private cid of a number", "", `"cid":7,"client_id":"portal"`, pipeline.Claims{ClientID: "portal"}},
	{"private cid of a list", "", `"client_id":"portal","cid":["a"]`, pipeline.Claims{ClientID: "portal"}},
	{"private cid of an object", "", `"client_id":"portal","cid":{"id":1}`, pipeline.Claims{ClientID: "portal"}},
	{"private cid of another text", "", `"client_id":"portal","cid":"customer 12\n"`, pipeline.Claims{ClientID: "portal"}},
	{"private cid that is long", "", `"client_id":"portal","cid":"` + strings.Repeat("c", 5000) + `"`, pipeline.Claims{ClientID: "portal"}},
	{"private cid of a truth", "", `"client_id":"portal","cid":true`, pipeline.Claims{ClientID: "portal"}},
	{"private scp of a number", "", `"scope":"a","scp":7`, pipeline.Claims{Scopes: []string{"a"}}},
	{"private scp of an object", "", `"scp":{"a":1},"scope":"a"`, pipeline.Claims{Scopes: []string{"a"}}},
	{"private scp of a text", "", `"scope":"a","scp":"größe"`, pipeline.Claims{Scopes: []string{"a"}}},
	{"private scp of numbers", "", `"scope":"a","scp":[1,2]`, pipeline.Claims{Scopes: []string{"a"}}},
	{"private scp adds nothing", "", `"scp":["admin"],"scope":"a"`, pipeline.Claims{Scopes: []string{"a"}}},

	{"azp of a JWT", "jwt", `"azp":"portal"`, pipeline.Claims{ClientID: "portal"}},
	{"azp of a JWT beside null", "jwt", `"client_id":null,"azp":"portal"`, pipeline.Claims{ClientID: "portal"}},
	{"azp after client_id", "jwt", `"azp":"other","client_id":"portal"`, pipeline.Claims{ClientID: "portal"}},
	{"azp after cid", "jwt", `"azp":"other","cid":"portal"`, pipeline.Claims{ClientID: "portal"}},
	{"azp that is not text", "jwt", `"azp":["portal"]`, pipeline.Claims{}},
	{"azp of an answer", "answer", `"azp":"portal"`, pipeline.Claims{}},
	{"scope as a list in a JWT", "jwt", `"scope":["a","b"]`, pipeline.Claims{Scopes: []string{"a", "b"}}},

	{"most scopes", "", `"scope":"` + numbered(maxScopes, " ") + `"`, pipeline.Claims{Scopes: strings.Fields(numbered(maxScopes, " "))}},
	{"most scopes in scp", "", `"scp":["` + numbered(maxScopes, `","`) + `"]`, pipeline.Claims{Scopes: strings.Fields(numbered(maxScopes, " "))}},
	{"longest scopes", "", `"scope":"` + wide('(', maxScopeBytes/maxTextBytes) + `"`, pipeline.Claims{Scopes: strings.Fields(wide('(', maxScopeBytes/maxTextBytes))}},
	{"blanks without end", "", `"scope":"a` + strings.Repeat(" ", 2*maxScopeBytes) + `b"`, pipeline.Claims{Scopes: []string{"a", "b"}}},
	{"most audiences", "", `"aud":["` + numbered(maxAudiences, `","`) + `"]`, pipeline.Claims{Audience: strings.Fields(numbered(maxAudiences, " "))}},
	{"longest text", "", `"sub":"` + strings.Repeat("s", maxTextBytes) + `"`, pipeline.Claims{Subject: strings.Repeat("s", maxTextBytes)}},
}

// badForms are what is refused as usual, and what is beyond a bound, by a reason
// of its own.
var badForms = []struct {
	name, where, members string
	answer, token        denial.Reason
}{
	{"exp null", "", `"exp":null`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"exp empty", "", `"exp":""`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"exp as text", "", `"exp":"1800000000"`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"exp 0 and a fraction", "", `"exp":0.5`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"exp negative with a fraction", "", `"exp":-0.5`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"exp beyond the years", "", `"exp":2534023007990e-1,"nbf":253402300800.0`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"exp of many digits", "", `"exp":1e100`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"nbf as text", "", `"nbf":"soon"`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"nbf false", "", `"nbf":false`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"sub a number", "", `"sub":7`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"iss false", "", `"iss":false`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"aud with null among others", "", `"aud":["a",null]`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"aud with an empty one", "", `"aud":["a",""]`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"cid alone of a number", "", `"cid":7`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"cid of a list beside client_id null", "", `"cid":["a"],"client_id":null`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"scp alone of a number", "", `"scp":7`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"scp of an object beside scope null", "", `"scp":{},"scope":null`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"scp with a quote", "", `"scp":"a\"b"`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"scp with null", "", `"scp":["a",null]`, denial.IntrospectionClaimsInvalid, denial.TokenMalformed},
	{"scope as a list in an answer", "answer", `"scope":["a"]`, denial.IntrospectionClaimsInvalid, 0},
	{"scope as a list of numbers in a JWT", "jwt", `"scope":[1]`, 0, denial.TokenMalformed},

	{"one scope too many", "", `"scope":"` + numbered(maxScopes+1, " ") + `"`, denial.IntrospectionTooManyScopes, denial.TokenTooManyScopes},
	{"one scope too many in scp", "", `"scp":["` + numbered(maxScopes+1, `","`) + `"]`, denial.IntrospectionTooManyScopes, denial.TokenTooManyScopes},
	{"one scope too often", "", `"scope":"` + strings.Repeat("a ", maxScopes+1) + `"`, denial.IntrospectionTooManyScopes, denial.TokenTooManyScopes},
	{"scopes too long together", "", `"scope":"` + wide('(', maxScopeBytes/maxTextBytes) + ` a"`, denial.IntrospectionTooManyScopes, denial.TokenTooManyScopes},
	{"a scope too long", "", `"scope":"` + strings.Repeat("s", maxTextBytes+1) + `"`, denial.IntrospectionClaimTooLong, denial.TokenClaimTooLong},
	{"one audience too many", "", `"aud":["` + numbered(maxAudiences+1, `","`) + `"]`, denial.IntrospectionTooManyAudiences, denial.TokenTooManyAudiences},
	{"audiences too long together", "", `"aud":["` + strings.ReplaceAll(wide('A', maxAudienceBytes/maxTextBytes), " ", `","`) + `","a"]`, denial.IntrospectionTooManyAudiences, denial.TokenTooManyAudiences},
	{"an audience too long", "", `"aud":"` + strings.Repeat("a", maxTextBytes+1) + `"`, denial.IntrospectionClaimTooLong, denial.TokenClaimTooLong},
	{"a text too long", "", `"sub":"` + strings.Repeat("s", maxTextBytes+1) + `"`, denial.IntrospectionClaimTooLong, denial.TokenClaimTooLong},
	{"a level too deep", "", `"x":` + strings.Repeat("[", jsonobject.MaxDepth) + strings.Repeat("]", jsonobject.MaxDepth), denial.IntrospectionTooDeep, denial.TokenTooDeep},
	{"brackets without end", "", `"x":` + strings.Repeat("[", 60_000), denial.IntrospectionTooDeep, denial.TokenTooDeep},
	{"one member too many", "", strings.TrimSuffix(strings.TrimPrefix(object(jsonobject.MaxMembers+1), `{"active":true,`), "}"), denial.IntrospectionTooManyMembers, denial.TokenTooManyMembers},
}

// TestClaimForms: what the RFCs let servers write is read, in an answer as in a
// JWT, and each bound is a reason of its own.
func TestClaimForms(t *testing.T) {
	for _, tt := range forms {
		t.Run(tt.name, func(t *testing.T) {
			tt.want.Active = true
			for where, read := range readers {
				if tt.where != "" && tt.where != where {
					continue
				}
				claims, reason, ok := read(tt.members)
				if !ok {
					t.Fatalf("%s: refused for %v", where, reason)
				}
				if diff := cmp.Diff(&tt.want, claims, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", where, diff)
				}
			}
		})
	}
	for _, tt := range badForms {
		t.Run(tt.name, func(t *testing.T) {
			for where, read := range readers {
				if tt.where != "" && tt.where != where {
					continue
				}
				want := tt.answer
				if where == "jwt" {
					want = tt.token
				}
				if claims, reason, ok := read(tt.members); ok || reason != want {
					t.Errorf("%s: got %+v, %v (%v), want %v", where, claims, ok, reason, want)
				}
			}
		})
	}
	t.Logf("%d forms are read, %d are refused, in answers and in JWTs", len(forms), len(badForms))
}

// readers are the two places in which claims come.
var readers = map[string]func(members string) (*pipeline.Claims, denial.Reason, bool){
	"answer": func(members string) (*pipeline.Claims, denial.Reason, bool) {
		return readClaims([]byte(`{"active":true,` + members + `}`))
	},
	"jwt": func(members string) (*pipeline.Claims, denial.Reason, bool) {
		return readTokenClaims([]byte(`{`+members+`,"jti":"x"}`), false)
	},
}

// TestClaimFormsWork: what is dearest to read within the bounds, and just beyond
// them, costs no more than a few times what as many bytes of plain claims cost.
func TestClaimFormsWork(t *testing.T) {
	plain := padded(`"scope":"a b","aud":["x"]`)
	took := func(members string) time.Duration {
		fastest := time.Hour
		for range 20 {
			began := time.Now()
			_, _, _ = readers["answer"](members)
			fastest = min(fastest, time.Since(began))
		}
		return fastest
	}
	base := took(plain)
	for name, members := range map[string]string{
		"scopes, none alike":             padded(`"scope":"` + numbered(maxScopes, " ") + `"`),
		"scopes of one byte without end": `"scope":"` + strings.Repeat("a ", MaxAnswerBytes/2-50) + `"`,
		"scopes of two bytes":            `"scope":"` + twoBytes(MaxAnswerBytes/3-50) + `"`,
		"audiences":                      padded(`"aud":["` + numbered(maxAudiences, `","`) + `"]`),
		"members":                        object(MaxAnswerBytes / 10)[len(`{"active":true,`):],
		"members of cnf":                 `"cnf":` + object(MaxAnswerBytes/10),
		"members of events":              `"events":` + object(MaxAnswerBytes/10),
	} {
		d := took(members)
		t.Logf("%-32s %6d bytes: %v (plain: %v)", name, len(members), d, base)
		if d > 10*base+time.Millisecond {
			t.Errorf("%s took %v, as many plain bytes %v", name, d, base)
		}
	}
}

// padded are members of the longest answer that is read.
func padded(members string) string {
	return members + `,"pad":"` + strings.Repeat("p", MaxAnswerBytes-len(members)-30) + `"`
}

func twoBytes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%c%c ", 'A'+i%26, 'a'+i/26%26)
	}
	return b.String()
}
