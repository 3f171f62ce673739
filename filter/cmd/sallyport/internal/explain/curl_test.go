package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

func TestParseCurl(t *testing.T) {
	atHost := host.Header{Name: "host", Value: "api.example.com"}
	for _, tt := range []struct {
		name, line string
		want       nativehost.Request
		err        string
	}{
		{"a URL", "curl https://api.example.com/a?b=c", nativehost.Request{Method: "GET", Target: "/a?b=c", Headers: []host.Header{atHost}}, ""},
		{"no path", "curl https://api.example.com", nativehost.Request{Method: "GET", Target: "/", Headers: []host.Header{atHost}}, ""},
		{"as browsers copy it", "curl 'https://api.example.com/a' \\\n  -H 'x-api-key: k 1' \\\n  --compressed", nativehost.Request{
			Method: "GET", Target: "/a", Headers: []host.Header{atHost, {Name: "x-api-key", Value: "k 1"}}}, ""},
		{"a body is a POST", `curl --url="https://api.example.com/a" -d "say \"hi\""`, nativehost.Request{
			Method: "POST", Target: "/a", Headers: []host.Header{atHost, {Name: "content-type", Value: "application/x-www-form-urlencoded"}}, Body: []byte(`say "hi"`)}, ""},
		{"a method", `curl -X DELETE https://api.example.com/a\ b`, nativehost.Request{Method: "DELETE", Target: "/a%20b", Headers: []host.Header{atHost}}, ""},
		{"no host", "curl /orders/7", nativehost.Request{}, "the URL must be absolute, as in https://api.example.com/orders/7"},
		{"another host", `curl -H "Host: other.example" https://api.example.com/`, nativehost.Request{Method: "GET", Target: "/", Headers: []host.Header{{Name: "host", Value: "other.example"}}}, ""},
		{"an escaped target stays", `curl https://api.example.com/a%2Fb`, nativehost.Request{Method: "GET", Target: "/a%2Fb", Headers: []host.Header{atHost}}, ""},
		{"another command", "wget https://api.example.com", nativehost.Request{}, "a curl line must begin with curl"},
		{"nothing", "", nativehost.Request{}, "a curl line must begin with curl"},
		{"an option that changes more", "curl -T file https://api.example.com", nativehost.Request{}, "the curl option -T is not supported here"},
		{"a value that is missing", "curl https://api.example.com -H", nativehost.Request{}, "-H needs a value"},
		{"an open quote", "curl 'https://api.example.com", nativehost.Request{}, "a ' is not closed"},
		{"a header without a colon", "curl -H secret https://api.example.com", nativehost.Request{}, "a header must be 'Name: value'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCurl(tt.line)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Body) == 0 {
				got.Body = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestCurlForms: what browsers copy and what colleagues write.
func TestCurlForms(t *testing.T) {
	const u = "https://h.example.com/o"
	h := func(pairs ...string) []host.Header {
		all := []host.Header{{Name: "host", Value: "h.example.com"}}
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, host.Header{Name: pairs[i], Value: pairs[i+1]})
		}
		return all
	}
	const form = "application/x-www-form-urlencoded"
	for _, tt := range []struct {
		name, line, method, target string
		headers                    []host.Header
		body, err                  string
	}{
		{"Chrome's cookies", "curl '" + u + "' -H 'x-api-key: K' -b 'sid=1'", "GET", "/o", h("x-api-key", "K", "cookie", "sid=1"), "", ""},
		{"Chrome's exclamation mark", `curl '` + u + `' -H $'x-note: it\u0021s'`, "GET", "/o", h("x-note", "it!s"), "", ""},
		{"Chrome's quote in a body", `curl '` + u + `' --data-raw $'it\'s' -H "a: b"`, "POST", "/o", h("a", "b", "content-type", form), "it's", ""},
		{"other escapes", `curl ` + u + ` --data-raw $'\x41\101\n\u00e4\q'`, "POST", "/o", h("content-type", form), "AA\nä\\q", ""},
		{"an escape that ends", `curl ` + u + ` -H $'a: b\`, "", "", nil, "", "a ' is not closed"},
		{"joined switches", "curl -sk " + u, "GET", "/o", h(), "", ""},
		{"a joined method", "curl -XPOST " + u, "POST", "/o", h(), "", ""},
		{"a joined header", "curl -HName:v " + u, "GET", "/o", h("Name", "v"), "", ""},
		{"switches joined with a value", "curl -sSXDELETE " + u, "DELETE", "/o", h(), "", ""},
		{"a body in the query", "curl -G " + u + " -d apikey=K -d a=b", "GET", "/o?apikey=K&a=b", h(), "", ""},
		{"head", "curl -I " + u, "HEAD", "/o", h(), "", ""},
		{"credentials", "curl -u u:p " + u, "GET", "/o", h("authorization", "Basic dTpw"), "", ""},
		{"credentials in the URL", "curl https://u:p@h.example.com/o", "GET", "/o", h("authorization", "Basic dTpw"), "", ""},
		{"a token", "curl --oauth2-bearer T " + u, "GET", "/o", h("authorization", "Bearer T"), "", ""},
		{"JSON", `curl --json '{"a":1}' ` + u, "POST", "/o", h("content-type", "application/json", "accept", "application/json"), `{"a":1}`, ""},
		{"a query", "curl --url-query 'a=b c' " + u + "?x=1", "GET", "/o?x=1&a=b+c", h(), "", ""},
		{"an encoded body", "curl --data-urlencode 'a=b c' " + u, "POST", "/o", h("content-type", form), "a=b+c", ""},
		{"an empty body", "curl -d '' " + u, "POST", "/o", h("content-type", form), "", ""},
		{"a path that the gateway refuses", "curl https://h.example.com/100%", "GET", "/100%", h(), "", ""},
		{"two URLs", "curl https://h.example.com/a https://h.example.com/b", "", "", nil, "", "there are two URLs: explain one request at a time"},
		{"two URLs, one by an option", "curl --url " + u + " " + u, "", "", nil, "", "there are two URLs: explain one request at a time"},
		{"a URL that curl makes several of", "curl 'https://h.example.com/o/[1-3]'", "", "", nil, "", "curl turns brackets and braces into several URLs: explain one of them, or add --globoff if they are meant literally"},
		{"brackets that are meant", "curl -g 'https://h.example.com/o?a[b]=1'", "GET", "/o?a[b]=1", h(), "", ""},
		{"brackets as Chrome writes them", `curl 'https://h.example.com/o?a\[b\]=1'`, "GET", "/o?a[b]=1", h(), "", ""},
		{"dots that curl takes out", "curl https://h.example.com/x/../o", "", "", nil, "", "curl removes /./ and /../ from a URL before sending it: write the URL that is sent, or add --path-as-is"},
		{"dots that are sent", "curl https://h.example.com/x/../o --path-as-is", "GET", "/x/../o", h(), "", ""},
		{"no URL", "curl -s", "", "", nil, "", "there is no URL"},
		{"a fragment is not sent", "curl " + u + "#top", "GET", "/o", h(), "", ""},
		{"a file", "curl -d @body.json " + u, "", "", nil, "", "--data names a file here: write what is in it"},
		{"a header that curl takes away", "curl -H 'accept:' " + u, "GET", "/o", h(), "", ""},
		{"a header without a value", "curl -H 'x-empty;' " + u, "GET", "/o", h("x-empty", ""), "", ""},
		{"lines as Windows ends them", "curl '" + u + "' \\\r\n  -H 'a: b'\r\n", "GET", "/o", h("a", "b"), "", ""},
		{"Chrome's for the Windows command line", "curl ^\"https://h.example.com/o?a=1^&b=2%^20c^\" ^\r\n  -H ^\"x-api-key: K^\" ^\r\n  -H ^\"x-note: ^\\^\"a^\\^\"^\"", "GET", "/o?a=1&b=2%20c", h("x-api-key", "K", "x-note", `"a"`), "", ""},
		{"the same with a body of two lines", "curl ^\"" + u + "^\" ^\n  --data-raw ^\"a^\n\nb^\"", "POST", "/o", h("content-type", form), "a\nb", ""},
		{"Firefox's for the Windows command line", "curl \"" + u + "\" ^\n  -H \"x-api-key: K\"", "GET", "/o", h("x-api-key", "K"), "", ""},
		{"a caret that is meant", "curl '" + u + "?a=^b' -H 'x: ^'", "GET", "/o?a=^b", h("x", "^"), "", ""},
		{"a prompt", "$ curl " + u, "GET", "/o", h(), "", ""},
		{"on Windows", "curl.exe " + u, "GET", "/o", h(), "", ""},
		{"a pipe behind it", "curl -s " + u + " | jq .", "GET", "/o", h(), "", ""},
		{"a file to write to", "curl " + u + " >out.json 2>&1", "GET", "/o", h(), "", ""},
		{"another command behind it", "curl " + u + " && echo done; ls", "GET", "/o", h(), "", ""},
		{"signs of the shell in quotes", "curl '" + u + "' -H 'x: a | b > c;'", "GET", "/o", h("x", "a | b > c;"), "", ""},
		{"a variable", `curl ` + u + ` -H "authorization: Bearer $TOKEN"`, "", "", nil, "", "a $NAME is a variable of the shell: write what it holds"},
		{"a variable without quotes", `curl $BASE/o`, "", "", nil, "", "a $NAME is a variable of the shell: write what it holds"},
		{"a command in a command", "curl -H \"x: $(cat key)\" " + u, "", "", nil, "", "$(…) is what the shell makes of a command: write what that is"},
		{"dollars that are meant", `curl '` + u + `/$metadata?$top=1' -H "x: 5\$ 5$ $"`, "GET", "/o/$metadata?$top=1", h("x", "5$ 5$ $"), "", ""},
		{"a joined option that is unknown", "curl -sT " + u, "", "", nil, "", "the curl option -T is not supported here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseCurl(tt.line)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Method != tt.method || got.Target != tt.target || string(got.Body) != tt.body {
				t.Errorf("%s %s %q, want %s %s %q", got.Method, got.Target, got.Body, tt.method, tt.target, tt.body)
			}
			if diff := cmp.Diff(tt.headers, got.Headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseCurl(f *testing.F) {
	f.Add(`curl 'https://api.example.com/a' -H "x: \"y\"" -d z`)
	f.Fuzz(func(t *testing.T, line string) {
		if r, err := ParseCurl(line); err == nil && (r.Target == "" || len(r.Headers) == 0 || r.Headers[0].Value == "") {
			t.Errorf("%q became %+v", line, r)
		}
	})
}
