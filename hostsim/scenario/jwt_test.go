package scenario

import (
	"crypto/rsa"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func TestJWT(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	expand := func(text string) (string, error) {
		x := newExpander(Vars{Now: now})
		return x.Text(text), x.Err
	}
	text, err := expand("${jwks:rsa-1,ec-1}")
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		if !key.IsPublic() {
			t.Fatalf("%s is published with its private part", key.KeyID)
		}
		token, err := expand("${jwt:" + key.KeyID + ";typ=at+jwt;iss=https://idp.example;aud=a b;scp=read;exp=+60;n=7;cnf.jkt=x}")
		if err != nil {
			t.Fatal(err)
		}
		jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := jws.Verify(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(payload, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"iss": "https://idp.example", "aud": []any{"a", "b"}, "scp": []any{"read"}, "exp": 1_700_000_060.0, "n": 7.0, "cnf": map[string]any{"jkt": "x"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
		if h := jws.Signatures[0].Header; h.KeyID != key.KeyID || h.ExtraHeaders["typ"] != "at+jwt" {
			t.Errorf("header %+v", h)
		}
	}
	broken, err := expand("${jwt:rsa-1;break=}")
	if err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(broken, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(set.Keys[0].Key.(*rsa.PublicKey)); err == nil {
		t.Error("a broken signature is good")
	}
	if unsigned, err := expand("${jwt:rsa-1;alg=none}"); err != nil || !strings.HasSuffix(unsigned, ".") {
		t.Errorf("%q, %v", unsigned, err)
	}
	for _, text := range []string{"${jwt:}", "${jwt:rsa-9}", "${jwt:rsa-1;exp}", "${jwt:rsa-1;exp=+99999999999}", "${jwks:}", "${jwks:../x}"} {
		if _, err := expand(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
