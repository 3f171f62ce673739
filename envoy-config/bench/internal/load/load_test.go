package load

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestParseWrk(t *testing.T) {
	out := "Running 1s test @ http://127.0.0.1:1/\n  1 threads and 16 connections\n" +
		"\nbench {\"requests\":20000,\"micros\":1000100,\"p50\":700,\"p99\":1500,\"connect\":0,\"read\":1,\"write\":0,\"timeout\":2,\"status\":20000}\n"
	got, err := parseWrk([]byte(out))
	want := Result{Requests: 20000, Took: 1000100 * time.Microsecond, P50: 700 * time.Microsecond, P99: 1500 * time.Microsecond, Refused: 20000, Failed: 3}
	if err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "unable to connect\n", "\nbench {\n", "\nbench {\"requests\":-nan}\n"} {
		if got, err := parseWrk([]byte(bad)); err == nil {
			t.Errorf("%q gave %+v", bad, got)
		}
	}
}

func TestScriptNeedsOneMark(t *testing.T) {
	for _, path := range []string{"/", "/" + Mark + Mark} {
		if s, err := (Request{Path: path, Many: &Many{Count: 1}}).script(1); err == nil {
			t.Errorf("%q gave %q", path, s)
		}
	}
}

// TestWrkSendsManyRequests plays the script against a server that looks at
// what comes.
func TestWrkSendsManyRequests(t *testing.T) {
	needLoad(t)
	for _, tt := range []struct {
		name string
		many Many
		good func(numbers map[string]int) bool
	}{
		{"in turn", Many{From: 100, InTurn: true}, func(n map[string]int) bool { return n["0000110"] == 1 && n["0000111"] == 1 }},
		{"by chance", Many{From: 5, Count: 10}, func(n map[string]int) bool { return len(n) == 10 && n["0000005"] > 0 && n["0000014"] > 0 }},
		{"skewed", Many{From: 0, Count: 1000, Skewed: true}, func(n map[string]int) bool { return n["0000000"] > 20*n["0000099"] && len(n) > 100 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			numbers := map[string]int{}
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				numbers[strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("X-Token"), "a\"b\\-"), "-z")]++
			}))
			defer server.Close()
			result, err := Wrk(t.Context(), Run{
				Address: server.Listener.Addr().String(), Connections: 2, Seed: 1,
				Request: Request{Path: "/", Headers: []Header{{"Host", "a"}, {"X-Token", "a\"b\\-" + Mark + "-z"}}, Many: &tt.many},
			})
			if err != nil || result.Requests < 1000 || result.Refused != 0 || result.OwnCPU == 0 {
				t.Errorf("%+v, %v", result, err)
			}
			if !tt.good(numbers) {
				t.Errorf("%d numbers of %d requests", len(numbers), result.Requests)
			}
		})
	}
}

func TestWrkReportsNoAnswer(t *testing.T) {
	needLoad(t)
	server := httptest.NewServer(http.NotFoundHandler())
	address := server.Listener.Addr().String()
	result, err := Wrk(t.Context(), Run{Address: address, Request: Request{Path: "/"}})
	if err != nil || result.Refused != result.Requests {
		t.Errorf("of a server that refuses: %+v, %v", result, err)
	}
	server.Close()
	if result, err := Wrk(t.Context(), Run{Address: address, Request: Request{Path: "/"}}); err == nil {
		t.Errorf("of no server: %+v", result)
	}
}

// needLoad skips a test where wrk is missing, and fails it in CI.
func needLoad(t *testing.T) {
	t.Helper()
	err := Check()
	switch {
	case err == nil:
	case os.Getenv("CI") == "true" || !errors.Is(err, ErrNoWrk):
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}
