package main_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// shortestSecret bounds what is looked for: a key "wrong" would be found in the sentence that says so.
const shortestSecret = 6

// secretSet has values that must not be seen, and what each of them is.
type secretSet map[string]string

func (s secretSet) add(value, what string) {
	if len(value) >= shortestSecret {
		s[value] = what
	}
}

// find is one secret that was seen.
type find struct{ what, spelling, where, content string }

func (f find) String() string {
	return f.what + " stands " + f.spelling + " in " + f.where + ": " + f.content
}

// findIn looks for each secret, in each spelling, in each text.
func (s secretSet) findIn(texts []text) []find {
	var found []find
	for secret, what := range s {
		for spelling, looks := range spellings(secret) {
			for _, look := range looks {
				for _, t := range texts {
					if strings.Contains(t.content, look) {
						found = append(found, find{what, spelling, t.where, t.content})
					}
				}
			}
		}
	}
	return found
}

// spellings are the ways in which a secret may stand in a text. In base64 it depends on the bytes before it.
func spellings(secret string) map[string][]string {
	all := map[string][]string{
		"plain": {secret},
		"hex":   {hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))},
	}
	if form := url.QueryEscape(secret); form != secret {
		all["form-encoded"] = []string{form, strings.ReplaceAll(form, "+", "%20"), strings.ToLower(form)}
	}
	for before := range 3 {
		text := append(make([]byte, before), secret...)
		first, last := (8*before+5)/6, 8*len(text)/6 // the characters that the secret alone decides
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all["base64"] = append(all["base64"], e.EncodeToString(text)[first:last])
		}
	}
	return all
}

// TestLeakIsFound: what TestLeak looks with finds what is there.
func TestLeakIsFound(t *testing.T) {
	const secret = "a+secret/of 9"
	s := secretSet{}
	s.add(secret, "a secret")
	for name, content := range map[string]string{
		"plain":               "refused " + secret + " (api a/v1)",
		"hex":                 "key=" + hex.EncodeToString([]byte("x"+secret+"y")),
		"upper-case hex":      strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"form-encoded":        "token=" + url.QueryEscape(secret) + "&a=b",
		"form, lower case":    "token=a%2bsecret%2fof+9",
		"percent-encoded":     "token=a%2Bsecret%2Fof%209",
		"base64":              base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 after 1 byte": "Basic " + base64.StdEncoding.EncodeToString([]byte(":"+secret)),
		"base64 after 8":      "Basic " + base64.StdEncoding.EncodeToString([]byte("clients:"+secret+"!")),
		"base64 for URLs":     base64.RawURLEncoding.EncodeToString([]byte("id:::" + secret)),
	} {
		if len(s.findIn([]text{{"log", content}})) == 0 {
			t.Errorf("%s: not found in %q", name, content)
		}
	}
	if found := s.findIn([]text{{"log", "another secret of 9"}}); len(found) != 0 {
		t.Errorf("found what is not there: %v", found)
	}

	t.Run("in a gateway that leaks", func(t *testing.T) {
		// An API that is named like the key: the name is in the log when Okta cannot be reached.
		config := strings.ReplaceAll(string(configuration(t, fullSequence)), `"customers"`, `"`+goodKey+`"`)
		g := start(t, module(t), []byte(config), hostsim.WithTrace())
		g.okta.set(upstream.Fail(upstream.FaultRefuse))
		r, x := g.do(request("token"))
		g.must("Okta out of reach", r, x, outcome{status: 503, reason: "introspection.unreachable"})
		g.Process().SetSharedData("", "cache/"+goodKey, []byte("1"))
		w := &watched{secrets: secretSet{goodKey: "the key"}}
		w.lookAt(g.Host)
		where := map[string]int{}
		for _, f := range w.secrets.findIn(w.evidence) {
			where[f.where]++
		}
		if where["log"] != 1 || where["shared data"] != 1 || where["response"] != 0 {
			t.Errorf("found in %v, want once each in log and shared data, where it was planted", where)
		}
	})
}
