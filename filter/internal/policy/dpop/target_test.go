package dpop

import (
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

func TestSameTarget(t *testing.T) {
	for _, tt := range []struct {
		name, htu, scheme, authority, path string
		want                               bool
	}{
		{"https", "https://api.example/a", "https", "api.example", "/a", true},
		{"https, where TLS ended before", "https://api.example/a", "http", "api.example", "/a", true},
		{"http", "http://api.example/a", "http", "api.example", "/a", true},
		{"http for a request by https", "http://api.example/a", "https", "api.example", "/a", false},
		{"another scheme", "ftp://api.example/a", "https", "api.example", "/a", false},
		{"no scheme", "//api.example/a", "https", "api.example", "/a", false},
		{"letters of scheme and host", "HTTPS://API.example/a", "https", "api.Example", "/a", true},
		{"letters of the path", "https://api.example/A", "https", "api.example", "/a", false},
		{"default port in htu", "https://api.example:443/a", "https", "api.example", "/a", true},
		{"default port in the request", "https://api.example/a", "https", "api.example:443", "/a", true},
		{"the other scheme's port", "https://api.example:80/a", "https", "api.example", "/a", false},
		{"a port", "https://api.example:8443/a", "https", "api.example:8443", "/a", true},
		{"another port", "https://api.example:8444/a", "https", "api.example:8443", "/a", false},
		{"user in htu", "https://user@api.example/a", "https", "api.example", "/a", false},
		{"no path", "https://api.example", "https", "api.example", "/", true},
		{"no path, query", "https://api.example?x=1", "https", "api.example", "/", true},
		{"no host", "https:///a", "https", "", "/a", false},
		{"slash at the end", "https://api.example/a/", "https", "api.example", "/a", false},
		{"beginning of the path", "https://api.example/a", "https", "api.example", "/ab", false},
		{"escape that was not needed", "https://api.example/%61%2D", "https", "api.example", "/a-", true},
		{"escape in other letters", "https://api.example/%c3%a9", "https", "api.example", "/%C3%A9", true},
		{"escape that is needed", "https://api.example/a%2Fb", "https", "api.example", "/a/b", false},
		{"escaped escape", "https://api.example/%2561", "https", "api.example", "/%61", false},
		{"half an escape", "https://api.example/%4", "https", "api.example", "/%4", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := &pipeline.Exchange{Authority: tt.authority, Path: tt.path, Headers: []host.Header{{Name: ":scheme", Value: tt.scheme}}}
			if got := sameTarget(tt.htu, x); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
