package envoyrun

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// adminPage is a Process whose admin interface answers every page with body.
func adminPage(t *testing.T, status int, body string) *Process {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return &Process{admin: server.URL, client: server.Client()}
}

func TestStats(t *testing.T) {
	p := adminPage(t, http.StatusOK, `{"stats":[
		{"name":"listener_manager.lds.version_text","value":"7"},
		{"name":"listener_manager.lds.version","value":13237225503670494420},
		{"name":"wasmcustom.calls","value":3},
		{"histograms":{"supported_quantiles":[0]}}]}`)
	got, err := p.Stats(t.Context(), ".")
	if err != nil {
		t.Fatal(err)
	}
	want := Stats{
		Number: map[string]uint64{"listener_manager.lds.version": 13237225503670494420, "wasmcustom.calls": 3},
		Text:   map[string]string{"listener_manager.lds.version_text": "7"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestListeners(t *testing.T) {
	p := adminPage(t, http.StatusOK, `{"listener_statuses":[
		{"name":"four","local_address":{"socket_address":{"address":"127.0.0.1","port_value":4000}}},
		{"name":"six","local_address":{"socket_address":{"address":"::1","port_value":6000}}}]}`)
	got, err := p.Listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"four": "127.0.0.1:4000", "six": "[::1]:6000"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAdminErrors(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
	}{
		{"status", "{}", http.StatusServiceUnavailable},
		{"not JSON", "<html>", http.StatusOK},
		{"a value that is not a number", `{"stats":[{"name":"a","value":-1}]}`, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := adminPage(t, c.status, c.body).Stats(t.Context(), "."); err == nil {
				t.Errorf("got %v, want an error", got)
			}
		})
	}
}
