package introspection

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// FuzzIntrospectionAnswer compares what is read with what encoding/json reads.
func FuzzIntrospectionAnswer(f *testing.F) {
	for _, a := range goodAnswers {
		f.Add([]byte(a.body))
	}
	for _, a := range badAnswers {
		f.Add([]byte(a.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		claims, reason, ok := readClaims(body)
		if !ok {
			if claims != nil || reason < fault.IntrospectionTooLarge || reason > fault.IntrospectionClaimsInvalid {
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
		// scope and scp come in the order of the members, which a map forgets.
		sorted := cmpopts.SortSlices(strings.Compare)
		thumbprints := cmpopts.IgnoreFields(pipeline.Claims{}, "KeyThumbprint", "CertificateThumbprint") // checkBounds knows what they may be
		if diff := cmp.Diff(expected(t, members), claims, sorted, thumbprints); diff != "" {
			t.Fatalf("claims (-want +got):\n%s", diff)
		}
		checkBounds(t, claims)
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
		t.Fatalf("took what is no object: %v, %v", open, err)
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
	read := func(name string, to any) {
		if raw, ok := members[name]; ok {
			if err := json.Unmarshal(raw, to); err != nil || string(raw) == "null" {
				t.Fatalf("took %s of the wrong type: %s", name, raw)
			}
		}
	}
	c := &pipeline.Claims{Active: true}
	read("exp", &c.Expires)
	read("nbf", &c.NotBefore)
	read("iss", &c.Issuer)
	read("sub", &c.Subject)
	read("token_type", &c.TokenType)
	read("client_id", &c.ClientID)
	read("cid", &c.ClientID)
	if raw := members["aud"]; len(raw) > 0 && raw[0] == '"' {
		var one string
		read("aud", &one)
		c.Audience = []string{one}
	} else {
		read("aud", &c.Audience)
		if len(c.Audience) == 0 {
			c.Audience = nil
		}
	}
	c.Scopes = expectedScopes(members, read)
	_, c.SenderConstrained = members["cnf"]
	return c
}

func expectedScopes(members map[string]json.RawMessage, read func(string, any)) []string {
	var scope string
	var scp, scopes []string
	read("scope", &scope)
	read("scp", &scp)
	for _, s := range append(strings.Fields(scope), scp...) {
		if !slices.Contains(scopes, s) {
			scopes = append(scopes, s)
		}
	}
	return scopes
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
	for _, list := range [][]string{c.Audience, c.Scopes} {
		if len(list) > maxListValues || len(strings.Join(list, "")) > maxListBytes {
			t.Fatalf("took %d values", len(list))
		}
	}
	for _, s := range []string{c.KeyThumbprint, c.CertificateThumbprint} {
		if s != "" && (len(s) != thumbprintBytes || !c.SenderConstrained) {
			t.Fatalf("took thumbprint %q", s)
		}
	}
	if c.Expires < 0 || c.Expires > lastSecond || c.NotBefore < 0 || c.NotBefore > lastSecond {
		t.Fatalf("took times %s, %s", strconv.FormatInt(c.Expires, 10), strconv.FormatInt(c.NotBefore, 10))
	}
}
