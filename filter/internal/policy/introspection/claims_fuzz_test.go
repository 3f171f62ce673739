package introspection

import (
	"bytes"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/tokenrules"
)

// FuzzIntrospectionAnswer compares what is read with what encoding/json reads.
func FuzzIntrospectionAnswer(f *testing.F) {
	for _, a := range goodAnswers {
		f.Add([]byte(a.body))
	}
	for _, a := range badAnswers {
		f.Add([]byte(a.body))
	}
	for _, tt := range forms {
		f.Add([]byte(`{"active":true,` + tt.members + `}`))
	}
	for _, tt := range otherKinds {
		f.Add([]byte(`{"active":true,` + tt.members + `}`))
	}
	for _, tt := range accessTokens {
		f.Add([]byte(`{"active":true,` + tt.members + `}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		claims, reason, ok := readClaims(body)
		if !ok {
			if claims != nil || reason <= denial.IntrospectionTooLarge || reason > denial.IntrospectionClaimsInvalid {
				t.Fatalf("refused with %+v for %v", claims, reason)
			}
			return
		}
		members, twice := decoded(t, body)
		if twice {
			t.Fatalf("took an answer with a member twice")
		}
		var active *bool
		if json.Unmarshal(members["active"], &active) != nil || active == nil || *active != claims.Active {
			t.Fatalf("active is %v, server said %s", claims.Active, members["active"])
		}
		if !claims.Active {
			if diff := cmp.Diff(&pipeline.Claims{}, claims); diff != "" {
				t.Fatalf("inactive with claims: %s", diff)
			}
			return
		}
		// checkBounds knows what thumbprints may be, and checkKind what kinds.
		others := cmpopts.IgnoreFields(pipeline.Claims{}, "KeyThumbprint", "CertificateThumbprint", "OtherKind")
		if diff := cmp.Diff(expected(t, members), claims, others); diff != "" {
			t.Fatalf("claims (-want +got):\n%s", diff)
		}
		checkBounds(t, claims)
		checkKind(t, members, claims)
	})
}

// decoded reads the outer object by other means.
func decoded(t *testing.T, body []byte) (members map[string]json.RawMessage, twice bool) {
	t.Helper()
	if !json.Valid(body) {
		t.Fatalf("took what is not JSON: %q", body)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		t.Fatalf("took what is not an object: %v, %v", open, err)
	}
	members = map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		if _, have := members[name.(string)]; have {
			twice = true
		}
		members[name.(string)] = value
	}
	return members, twice
}

// expected is what an answer with good members says.
func expected(t *testing.T, members map[string]json.RawMessage) *pipeline.Claims {
	t.Helper()
	says := func(name string) bool {
		raw, ok := members[name]
		return ok && string(raw) != "null" && string(raw) != `""`
	}
	read := func(name string, to any) {
		if says(name) {
			if err := json.Unmarshal(members[name], to); err != nil {
				t.Fatalf("took %s of the wrong type: %s", name, members[name])
			}
		}
	}
	c := &pipeline.Claims{Active: true}
	c.Expires = expectedTime(t, members, "exp", false)
	if says("nbf") {
		c.NotBefore = expectedTime(t, members, "nbf", true)
	}
	read("iss", &c.Issuer)
	read("sub", &c.Subject)
	read("token_type", &c.TokenType)
	if typ := ""; c.TokenType == "" && says("typ") && json.Unmarshal(members["typ"], &typ) == nil {
		if kind := tokenrules.KindOf(typ); kind == tokenrules.AccessKind || kind == tokenrules.DPoPKind {
			c.TokenType = typ
		}
	}
	if read("client_id", &c.ClientID); c.ClientID == "" {
		read("cid", &c.ClientID)
	}
	if raw := members["aud"]; len(raw) > 0 && raw[0] == '[' {
		read("aud", &c.Audience)
	} else if says("aud") {
		c.Audience = []string{""}
		read("aud", &c.Audience[0])
	}
	if len(c.Audience) == 0 {
		c.Audience = nil
	}
	var scope string
	read("scope", &scope)
	c.Scopes = distinct(strings.Fields(scope))
	if raw := members["scp"]; len(c.Scopes) == 0 && len(raw) > 0 && raw[0] == '[' {
		read("scp", &c.Scopes)
		c.Scopes = distinct(c.Scopes)
	} else if len(c.Scopes) == 0 {
		read("scp", &scope)
		c.Scopes = distinct(strings.Fields(scope))
	}
	c.SenderConstrained = says("cnf")
	return c
}

// hugeExponent is one that big.Rat takes long for, or does not take. A number of
// 64 bytes with it lies as far from all times as with 999.
var hugeExponent = regexp.MustCompile(`([eE][+-]?)0*[1-9][0-9]{3,}$`)

// expectedTime reads a NumericDate by means of exact fractions.
func expectedTime(t *testing.T, members map[string]json.RawMessage, name string, up bool) int64 {
	t.Helper()
	raw, ok := members[name]
	if !ok {
		return 0
	}
	r, ok := new(big.Rat).SetString(hugeExponent.ReplaceAllString(string(raw), "${1}999"))
	if !ok || raw[0] == '"' {
		t.Fatalf("took %s of the wrong type: %s", name, raw)
	}
	whole := new(big.Int).Quo(r.Num(), r.Denom())
	if up && !r.IsInt() {
		whole.Add(whole, big.NewInt(1))
	}
	return whole.Int64()
}

func distinct(all []string) (once []string) {
	for _, s := range all {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// checkKind holds the members that tell of another kind in any case against what
// was made of them.
func checkKind(t *testing.T, members map[string]json.RawMessage, c *pipeline.Claims) {
	t.Helper()
	for name, raw := range members {
		empty := string(raw) == "null" || string(raw) == `""`
		other := slices.Contains(idMembers, name)
		if word := ""; slices.Contains(kindMembers, name) {
			other = json.Unmarshal(raw, &word) != nil || tokenrules.KindOf(word) == tokenrules.OtherKind
		}
		if other && !empty && !c.OtherKind {
			t.Fatalf("took %s: %s for an access token's", name, raw)
		}
	}
}

// lastSecond is the end of the year 9999.
const lastSecond = 253402300799

func checkBounds(t *testing.T, c *pipeline.Claims) {
	t.Helper()
	texts := append([]string{c.Issuer, c.Subject, c.ClientID, c.TokenType}, c.Audience...)
	for _, s := range append(texts, c.Scopes...) {
		if len(s) > maxTextBytes || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
			t.Fatalf("took text %q", s)
		}
	}
	if len(c.Audience) > maxAudiences || len(strings.Join(c.Audience, "")) > maxAudienceBytes {
		t.Fatalf("took %d audiences", len(c.Audience))
	}
	if len(c.Scopes) > maxScopes || len(strings.Join(c.Scopes, "")) > maxScopeBytes {
		t.Fatalf("took %d scopes", len(c.Scopes))
	}
	for _, s := range []string{c.KeyThumbprint, c.CertificateThumbprint} {
		if s != "" && (len(s) != thumbprintBytes || !c.SenderConstrained) {
			t.Fatalf("took thumbprint %q", s)
		}
	}
	if c.Expires < 0 || c.Expires > lastSecond || c.NotBefore < 0 || c.NotBefore > lastSecond+1 {
		t.Fatalf("took times %s, %s", strconv.FormatInt(c.Expires, 10), strconv.FormatInt(c.NotBefore, 10))
	}
}
