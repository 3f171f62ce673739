package hostsim_test

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/upstream"
)

// TestAnswerInPieces: the backend's body comes piece by piece, and its end by itself.
func TestAnswerInPieces(t *testing.T) {
	h := newHost(t, "response_body: body 1 0 99", hostsim.WithTrace(),
		hostsim.WithUpstream(upstream.Answer{Body: []byte("abcdefg"), BodyIn: 3}))
	response, x := do(t, h, hostsim.Request{})
	if string(response.Body) != "abcdefg" || response.HeadersOnly {
		t.Errorf("client got %q, headers only: %v", response.Body, response.HeadersOnly)
	}
	var sizes []uint64
	for _, e := range x.Trace {
		if e.Name == "proxy_on_response_body" {
			sizes = append(sizes, e.Numbers[1], e.Numbers[2])
		}
	}
	if got, want := len(sizes), 8; got != want || sizes[0] != 3 || sizes[2] != 3 || sizes[4] != 1 || sizes[6] != 0 || sizes[7] != 1 {
		t.Errorf("pieces and ends: %v", sizes)
	}
}

// TestHeadersOnly: the headers end a response without a body, and not one whose body the guest emptied.
func TestHeadersOnly(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		backend      upstream.Answer
		want         bool
	}{
		{"reply without a body", "reply 403 -", upstream.Answer{}, true},
		{"reply with a body", "reply 403 - no", upstream.Answer{}, false},
		{"backend without a body", "", upstream.Answer{Status: 204}, true},
		{"backend with a body", "", upstream.Respond(200, "x"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			response, x := do(t, newHost(t, script(tt.script), hostsim.WithTrace(), hostsim.WithUpstream(tt.backend)), hostsim.Request{})
			if response.HeadersOnly != tt.want {
				t.Errorf("headers only: %v, want %v: %+v\n%s", response.HeadersOnly, tt.want, response, said(x.Log))
			}
		})
	}
}

// TestTraceNumbers: an entry has the parameters as the ABI passes them.
func TestTraceNumbers(t *testing.T) {
	_, x := do(t, newHost(t, script("get 0 :path"), hostsim.WithTrace()), hostsim.Request{})
	for _, e := range x.Trace {
		if e.Name == "proxy_get_header_map_value" && strings.Contains(e.Args, ":path") {
			if len(e.Numbers) != 5 || e.Numbers[0] != 0 || e.Numbers[2] != uint64(len(":path")) {
				t.Errorf("%v has the numbers %v", e, e.Numbers)
			}
			return
		}
	}
	t.Error("not traced")
}
