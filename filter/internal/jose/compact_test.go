package jose

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// token makes one of a header and a payload, with a signature of four bytes.
func token(header, payload string) string {
	return Encode([]byte(header)) + "." + Encode([]byte(payload)) + ".AAAAAA"
}

// furtherMembers are n members, none alike.
func furtherMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"m` + strconv.Itoa(i) + `":0`)
	}
	return b.String()
}

func TestTokensThatAreRefused(t *testing.T) {
	good := token(`{"alg":"RS256"}`, `{}`)
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		token string
		want  error
	}{
		{"nothing", "", ErrMalformed},
		{"opaque", "00aBcDeF", ErrMalformed},
		{"two parts", "e30.e30", ErrMalformed},
		{"five parts, as of an encrypted one", "e30.e30.e30.e30.e30", ErrMalformed},
		{"too long", token(`{"alg":"RS256"}`, strings.Repeat("x", MaxTokenBytes)), ErrTooLong},
		{"padding", good + "=", ErrMalformed},
		{"alphabet of plain base64", Encode([]byte(`{"alg":"RS256"}`)) + ".e30.++++", ErrMalformed},
		{"a line end", good[:10] + "\n" + good[10:], ErrMalformed},
		{"a line end in the signature", good + "\r\n", ErrMalformed},
		{"set bits behind the last byte", good[:len(good)-1] + "B", ErrMalformed},
		{"no signature", strings.TrimSuffix(good, "AAAAAA"), ErrMalformed},
		{"header is no JSON", token(`alg`, `{}`), ErrMalformed},
		{"header is a list", token(`["RS256"]`, `{}`), ErrMalformed},
		{"header with more behind", token(`{"alg":"RS256"}{}`, `{}`), ErrMalformed},
		{"header is not UTF-8", token("{\"alg\":\"RS256\",\"x\":\"\xff\"}", `{}`), ErrMalformed},
		{"alg twice", token(`{"alg":"RS256","alg":"none"}`, `{}`), ErrMalformed},
		{"alg twice, escaped", token(`{"alg":"none","\u0061lg":"RS256"}`, `{}`), ErrMalformed},
		{"alg is a list", token(`{"alg":["RS256"]}`, `{}`), ErrMalformed},
		{"alg is null", token(`{"alg":null}`, `{}`), ErrMalformed},
		{"kid is a number", token(`{"alg":"RS256","kid":1}`, `{}`), ErrMalformed},
		{"kid is empty", token(`{"alg":"RS256","kid":""}`, `{}`), ErrMalformed},
		{"kid too long", token(`{"alg":"RS256","kid":"`+strings.Repeat("k", maxNameBytes+1)+`"}`, `{}`), ErrNameTooLong},
		{"typ too long", token(`{"alg":"RS256","typ":"`+strings.Repeat("t", maxNameBytes+1)+`"}`, `{}`), ErrNameTooLong},
		{"header nests too deep", token(`{"alg":"RS256","x":`+strings.Repeat("[", jsonobject.MaxDepth)+strings.Repeat("]", jsonobject.MaxDepth)+`}`, `{}`), jsonobject.ErrTooDeep},
		{"header with too many members", token(`{"alg":"RS256"`+furtherMembers(jsonobject.MaxMembers)+`}`, `{}`), jsonobject.ErrTooManyMembers},
		{"typ is an object", token(`{"alg":"RS256","typ":{}}`, `{}`), ErrMalformed},
		{"no alg", token(`{"kid":"k1"}`, `{}`), ErrAlgorithm},
		{"Alg", token(`{"Alg":"RS256"}`, `{}`), ErrAlgorithm},
		{"none", token(`{"alg":"none"}`, `{}`), ErrAlgorithm},
		{"none without a signature", strings.TrimSuffix(token(`{"alg":"none"}`, `{}`), "AAAAAA"), ErrAlgorithm},
		{"nOnE", token(`{"alg":"nOnE"}`, `{}`), ErrAlgorithm},
		{"rs256", token(`{"alg":"rs256"}`, `{}`), ErrAlgorithm},
		{"HS256", token(`{"alg":"HS256"}`, `{}`), ErrAlgorithm},
		{"PS256", token(`{"alg":"PS256"}`, `{}`), ErrAlgorithm},
		{"EdDSA", token(`{"alg":"EdDSA"}`, `{}`), ErrAlgorithm},
		{"critical", token(`{"alg":"RS256","crit":["exp"],"exp":1}`, `{}`), ErrCritical},
		{"nothing critical", token(`{"alg":"RS256","crit":[]}`, `{}`), ErrCritical},
		{"payload as it stands", token(`{"alg":"RS256","b64":false,"crit":["b64"]}`, `{}`), ErrCritical},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(tt.token); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestMediaTypes(t *testing.T) {
	for typ, want := range map[string]bool{
		"at+jwt": true, "AT+JWT": true, "application/at+jwt": true, "Application/AT+jwt": true,
		"": false, "jwt": false, "application/": false, "application/application/at+jwt": false, "at+jwt ": false,
	} {
		if got := (&Header{Type: typ}).Is("at+jwt"); got != want {
			t.Errorf("%q: %v", typ, got)
		}
	}
}

func TestEmbeddedKey(t *testing.T) {
	signer, err := gojose.NewSigner(gojose.SigningKey{Algorithm: gojose.ES256, Key: p256()},
		(&gojose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign([]byte(`{"htm":"GET"}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(must(jws.CompactSerialize()))
	if err != nil {
		t.Fatal(err)
	}
	key, err := m.Header.EmbeddedKey()
	if err != nil || !key.Verify(m, nil) || !m.Header.Is("dpop+jwt") {
		t.Fatalf("%v, typ %q", err, m.Header.Type)
	}
	for name, header := range map[string]string{
		"none":        `{"alg":"ES256"}`,
		"text":        `{"alg":"ES256","jwk":"x"}`,
		"private":     `{"alg":"ES256","jwk":` + string(jwkOf(t, p256(), "")) + `}`,
		"symmetric":   `{"alg":"ES256","jwk":{"kty":"oct","k":"AAAA"}}`,
		"a name only": `{"alg":"ES256","jku":"https://attacker.example/keys"}`,
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(token(header, "{}"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := m.Header.EmbeddedKey(); !errors.Is(err, ErrKey) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func FuzzCompact(f *testing.F) {
	f.Add(token(`{"alg":"RS256","kid":"k","typ":"JWT"}`, `{}`))
	f.Add(token(`{"alg":"none"}`, `{}`))
	f.Add(signedBy(f, gojose.ES256, p256(), map[gojose.HeaderKey]any{"kid": "k1"}, `{}`))
	f.Add("a.b.c")
	key := publicOf(f, p256())
	f.Fuzz(func(t *testing.T, s string) {
		m, err := Parse(s)
		if err != nil {
			return
		}
		if again := m.SigningInput + "." + Encode(m.Signature); again != s {
			t.Fatalf("%q reads as %q: two texts for one token", s, again)
		}
		jws, err := gojose.ParseSignedCompact(s, []gojose.SignatureAlgorithm{gojose.RS256, gojose.ES256})
		if err != nil {
			return // it is stricter in places, as with a bad jwk
		}
		other, err := jws.Verify(p256().Public())
		if good := key.Verify(m, nil); good != (err == nil) {
			t.Fatalf("good %v, another library: %v", good, err)
		} else if good && string(other) != string(m.Payload) {
			t.Fatalf("payload %q, another library %q", m.Payload, other)
		}
	})
}
