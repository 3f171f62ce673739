package introspection

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/jose"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func withAuthorization(query string, values ...string) *pipeline.Exchange {
	x := &pipeline.Exchange{Query: query, HasQuery: query != ""}
	x.Headers = []host.Header{{Name: ":path", Value: "/"}, {Name: "accept", Value: "a,b"}}
	for _, v := range values {
		x.Headers = append(x.Headers, host.Header{Name: "authorization", Value: v})
	}
	return x
}

func TestBearerTokenFound(t *testing.T) {
	longest := strings.Repeat("a", jose.MaxTokenBytes)
	tests := []struct{ name, value, query, want string }{
		{"plain", "Bearer abc.def-ghi_jkl", "", "abc.def-ghi_jkl"},
		{"lower case", "bearer abc", "", "abc"},
		{"upper case", "BEARER abc", "", "abc"},
		{"mixed case", "bEaReR abc", "", "abc"},
		{"several blanks", "Bearer    abc", "", "abc"},
		{"blanks around", " \tBearer abc \t", "", "abc"},
		{"every letter of token68", "Bearer azAZ09-._~+/==", "", "azAZ09-._~+/=="},
		{"longest", "Bearer " + longest, "", longest},
		{"other parameters", "Bearer abc", "a=access_token&access_tokens=1&xaccess_token=2&%=%&access%5ftoke=1&=", "abc"},
		{"parameter in other letters", "Bearer abc", "Access_Token=1", "abc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, _, reason, ok := tokenOf(withAuthorization(tt.query, tt.value), false)
			if !ok || token != tt.want {
				t.Errorf("got %q, %v (%v), want %q", token, ok, reason, tt.want)
			}
		})
	}
}

// TestDPoPToken: where it is taken, the scheme is DPoP under the very rules of Bearer.
func TestDPoPToken(t *testing.T) {
	for _, tt := range []struct {
		name, query string
		values      []string
		asDPoP      bool
		want        denial.Reason // Internal: found
	}{
		{"found", "", []string{"DPoP abc"}, true, denial.Internal},
		{"other letters", "", []string{"dpop abc"}, true, denial.Internal},
		{"Bearer beside it", "", []string{"Bearer abc"}, false, denial.Internal},
		{"doubled", "", []string{"DPoP abc", "DPoP abc"}, false, denial.TokenAmbiguous},
		{"both", "", []string{"DPoP abc", "Bearer abc"}, false, denial.TokenAmbiguous},
		{"joined", "", []string{"DPoP abc,DPoP abc"}, false, denial.TokenAmbiguous},
		{"a second one in the query", "access_token=abc", []string{"DPoP abc"}, false, denial.TokenAmbiguous},
		{"empty", "", []string{"DPoP"}, false, denial.TokenMalformed},
		{"malformed", "", []string{"DPoP a b"}, false, denial.TokenMalformed},
		{"too long", "", []string{"DPoP " + strings.Repeat("a", jose.MaxTokenBytes+1)}, false, denial.TokenTooLong},
		{"another scheme", "", []string{"DPoPs abc"}, false, denial.TokenMissing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token, asDPoP, reason, ok := tokenOf(withAuthorization(tt.query, tt.values...), true)
			if ok != (tt.want == denial.Internal) || reason != tt.want || asDPoP != tt.asDPoP || ok && token != "abc" {
				t.Errorf("got %q, %v, %v, %v", token, asDPoP, reason, ok)
			}
		})
	}
}

func TestBearerTokenRefused(t *testing.T) {
	tests := []struct {
		name   string
		values []string
		query  string
		want   denial.Reason
	}{
		{"no header", nil, "", denial.TokenMissing},
		{"no header, token in the query", nil, "access_token=abc", denial.TokenMissing},
		{"empty header", []string{""}, "", denial.TokenMissing},
		{"only blanks", []string{"  "}, "", denial.TokenMissing},
		{"basic", []string{"Basic YWxhZGRpbg=="}, "", denial.TokenMissing},
		{"dpop", []string{"DPoP abc"}, "", denial.TokenMissing},
		{"token without a scheme", []string{"abc"}, "", denial.TokenMissing},
		{"scheme that begins alike", []string{"Bearers abc"}, "", denial.TokenMissing},
		{"tab after the scheme", []string{"Bearer\tabc"}, "", denial.TokenMissing},
		{"two headers", []string{"Bearer abc", "Bearer def"}, "", denial.TokenAmbiguous},
		{"the same header twice", []string{"Bearer abc", "Bearer abc"}, "", denial.TokenAmbiguous},
		{"a second, empty header", []string{"Bearer abc", ""}, "", denial.TokenAmbiguous},
		{"another scheme beside it", []string{"Basic abc", "Bearer def"}, "", denial.TokenAmbiguous},
		{"joined by the host", []string{"Bearer abc,Bearer def"}, "", denial.TokenAmbiguous},
		{"joined behind another scheme", []string{"Basic abc, Bearer def"}, "", denial.TokenAmbiguous},
		{"comma at the end", []string{"Bearer abc,"}, "", denial.TokenAmbiguous},
		{"also in the query", []string{"Bearer abc"}, "access_token=def", denial.TokenAmbiguous},
		{"also in the query, later", []string{"Bearer abc"}, "a=1&access_token=def", denial.TokenAmbiguous},
		{"also in the query, behind a semicolon", []string{"Bearer abc"}, "a=1;access_token=def", denial.TokenAmbiguous},
		{"also in the query, escaped", []string{"Bearer abc"}, "%61ccess%5ftoken=def", denial.TokenAmbiguous},
		{"also in the query, without a value", []string{"Bearer abc"}, "access_token", denial.TokenAmbiguous},
		{"scheme alone", []string{"Bearer"}, "", denial.TokenMalformed},
		{"scheme and blanks", []string{"Bearer   "}, "", denial.TokenMalformed},
		{"padding alone", []string{"Bearer =="}, "", denial.TokenMalformed},
		{"padding in the middle", []string{"Bearer ab=c"}, "", denial.TokenMalformed},
		{"two words", []string{"Bearer abc def"}, "", denial.TokenMalformed},
		{"quoted", []string{`Bearer "abc"`}, "", denial.TokenMalformed},
		{"not ascii", []string{"Bearer abcé"}, "", denial.TokenMalformed},
		{"line end", []string{"Bearer abc\r\nx: y"}, "", denial.TokenMalformed},
		{"nul", []string{"Bearer abc\x00"}, "", denial.TokenMalformed},
		{"ampersand", []string{"Bearer abc&token_type_hint=refresh_token"}, "", denial.TokenMalformed},
		{"too long", []string{"Bearer " + strings.Repeat("a", jose.MaxTokenBytes+1)}, "", denial.TokenTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, _, reason, ok := tokenOf(withAuthorization(tt.query, tt.values...), false)
			if ok || reason != tt.want || token != "" {
				t.Errorf("got %q, %v (%v), want %v", token, ok, reason, tt.want)
			}
		})
	}
}

func FuzzAuthorization(f *testing.F) {
	f.Add("Bearer abc.def", "", false, "")
	f.Add("bearer  abc==", "", true, "")
	f.Add("Bearer a,Bearer b", "", false, "x=1")
	f.Add("Basic YTpi", "Bearer b", true, "access_token=1")
	f.Add("Bearer abc", "", false, "%61ccess_token")
	credentials := regexp.MustCompile(`^[ \t]*(?i:bearer) +([A-Za-z0-9._~+/-]+=*)[ \t]*$`)
	f.Fuzz(func(t *testing.T, first, second string, two bool, query string) {
		values := []string{first}
		if two {
			values = append(values, second)
		}
		token, _, reason, ok := tokenOf(withAuthorization(query, values...), false)
		if !ok {
			switch reason {
			case denial.TokenMissing, denial.TokenAmbiguous, denial.TokenMalformed:
				return
			}
			t.Fatalf("reason %v", reason)
		}
		match := credentials.FindStringSubmatch(first)
		if two || match == nil || match[1] != token || len(token) > jose.MaxTokenBytes {
			t.Fatalf("took %q out of %q (two headers: %v)", token, first, two)
		}
		if strings.Contains("&"+query, "&access_token=") {
			t.Fatalf("took %q beside the query %q", token, query)
		}
	})
}
