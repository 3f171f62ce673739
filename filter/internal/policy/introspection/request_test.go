package introspection

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/secret"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

func TestCallout(t *testing.T) {
	r := newRequest(Options{
		Cluster: "okta", Authority: "dev-123456.okta.com", Path: "/oauth2/default/v1/introspect",
		ClientID: "0oa1gateway", Secret: secret.New("s3cret"), Timeout: 2 * time.Second,
	}, host.Ports{})
	want := host.Callout{
		Cluster:   "okta",
		Method:    "POST",
		Authority: "dev-123456.okta.com",
		Path:      "/oauth2/default/v1/introspect",
		Headers: []host.Header{
			{Name: "content-type", Value: "application/x-www-form-urlencoded"},
			{Name: "accept", Value: "application/json"},
			{Name: "authorization", Value: "Basic MG9hMWdhdGV3YXk6czNjcmV0"},
		},
		Body:    []byte("token=a.b-c_d~e%2Bf%2Fg%3D%3D&token_type_hint=access_token"),
		Timeout: 2 * time.Second,
	}
	got, ok := r.callout("a.b-c_d~e+f/g==", 0)
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("callout (-want +got):\n%s", diff)
	}
}

func TestBasicCredentialsAreFormEncodedFirst(t *testing.T) {
	for _, tt := range []struct{ id, secret, pair string }{
		{"id", "secret", "id:secret"},
		{"a:b", "c:d", "a%3Ab:c%3Ad"},
		{"a b", "c+d", "a+b:c%2Bd"},
		{"id", "p%41ss=&", "id:p%2541ss%3D%26"},
		{"größe", "€", "gr%C3%B6%C3%9Fe:%E2%82%AC"},
		{"id", "", "id:"},
	} {
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte(tt.pair))
		if got := basicCredentials(tt.id, secret.New(tt.secret)); got != want {
			t.Errorf("basicCredentials(%q, %q) = %q, want %q", tt.id, tt.secret, got, want)
		}
	}
}

func TestFormEncodingCanBeDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text"))
		encoded := string(appendFormEncoded(nil, text))
		if encoded != url.QueryEscape(text) {
			t.Fatalf("%q encodes to %q, net/url says %q", text, encoded, url.QueryEscape(text))
		}
		form, err := url.ParseQuery("token=" + encoded + bodyEnd)
		if err != nil || len(form) != 2 || form.Get("token") != text {
			t.Fatalf("%q decodes to %v, %v", encoded, form, err)
		}
	})
}

func TestStepDoesNotPrintItsCredentials(t *testing.T) {
	s := New(Options{ClientID: "0oa1gateway", Secret: secret.New("s3cret")}, host.Ports{Peers: host.NoPeers{}})
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		printed := fmt.Sprintf(verb, *s)
		for _, text := range []string{"s3cret", "MG9hMWdhdGV3YXk6czNjcmV0"} {
			if strings.Contains(printed, text) {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
}

func TestKeyDependsOnEveryPart(t *testing.T) {
	type parts struct{ cluster, authority, path, client, token string }
	seen := map[sharedtable.Key]parts{}
	for _, p := range []parts{
		{"c", "a", "p", "i", "t"},
		{"C", "a", "p", "i", "t"},
		{"c", "A", "p", "i", "t"},
		{"c", "a", "P", "i", "t"},
		{"c", "a", "p", "I", "t"},
		{"c", "a", "p", "i", "T"},
		{"ca", "", "p", "i", "t"},
		{"", "ca", "p", "i", "t"},
		{"c", "ap", "", "i", "t"},
		{"c", "a", "pi", "", "t"},
		{"c", "a", "p", "it", ""},
		{"c", "a", "p", "", "it"},
	} {
		k := newKeyer(Options{Cluster: p.cluster, Authority: p.authority, Path: p.path, ClientID: p.client}).of(p.token)
		if other, twice := seen[k]; twice {
			t.Errorf("%v and %v have one key", p, other)
		}
		seen[k] = p
	}
	same := Options{Cluster: "c", Authority: "a", Path: "p", ClientID: "i", Timeout: 1}
	if _, ok := seen[newKeyer(same).of("t")]; !ok {
		t.Error("the key depends on the timeout")
	}
}
