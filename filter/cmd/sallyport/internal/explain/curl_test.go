package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/nativehost"
)

func TestParseCurl(t *testing.T) {
	host := nativehost.Header{Name: "host", Value: "api.example.com"}
	for _, tt := range []struct {
		name, line string
		want       nativehost.Request
		err        string
	}{
		{"a URL", "curl https://api.example.com/a?b=c", nativehost.Request{Method: "GET", Target: "/a?b=c", Headers: []nativehost.Header{host}}, ""},
		{"no path", "curl https://api.example.com", nativehost.Request{Method: "GET", Target: "/", Headers: []nativehost.Header{host}}, ""},
		{"as browsers copy it", "curl 'https://api.example.com/a' \\\n  -H 'x-api-key: k 1' \\\n  --compressed", nativehost.Request{
			Method: "GET", Target: "/a", Headers: []nativehost.Header{host, {Name: "x-api-key", Value: "k 1"}}}, ""},
		{"a body is a POST", `curl --url="https://api.example.com/a" -d "say \"hi\""`, nativehost.Request{
			Method: "POST", Target: "/a", Headers: []nativehost.Header{host}, Body: []byte(`say "hi"`)}, ""},
		{"a method", `curl -X DELETE https://api.example.com/a\ b`, nativehost.Request{Method: "DELETE", Target: "/a%20b", Headers: []nativehost.Header{host}}, ""},
		{"no host", "curl /orders/7", nativehost.Request{}, "the URL must be absolute, as in https://api.example.com/orders/7"},
		{"another host", `curl -H "Host: other.example" https://api.example.com/`, nativehost.Request{Method: "GET", Target: "/", Headers: []nativehost.Header{{Name: "host", Value: "other.example"}}}, ""},
		{"an escaped target stays", `curl https://api.example.com/a%2Fb`, nativehost.Request{Method: "GET", Target: "/a%2Fb", Headers: []nativehost.Header{host}}, ""},
		{"another command", "wget https://api.example.com", nativehost.Request{}, "a curl line must begin with curl"},
		{"nothing", "", nativehost.Request{}, "a curl line must begin with curl"},
		{"an option that changes more", "curl -u a:b https://api.example.com", nativehost.Request{}, "the option -u of curl is not understood here"},
		{"a value that is missing", "curl https://api.example.com -H", nativehost.Request{}, "-H wants a value"},
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

func FuzzParseCurl(f *testing.F) {
	f.Add(`curl 'https://api.example.com/a' -H "x: \"y\"" -d z`)
	f.Fuzz(func(t *testing.T, line string) {
		if r, err := ParseCurl(line); err == nil && (r.Target == "" || len(r.Headers) == 0 || r.Headers[0].Value == "") {
			t.Errorf("%q became %+v", line, r)
		}
	})
}
