package meshtest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// WantRequestTimeout checks in Envoy's own configuration dump that each connection manager with the filter bounds how
// long a request may take, and that there is one.
func WantRequestTimeout(t *testing.T, admin, want string) {
	t.Helper()
	response, err := http.Get("http://" + admin + "/config_dump?resource=dynamic_listeners") //nolint:noctx // a client's timeout is not needed on loopback
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var dump any
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&dump); err != nil {
		t.Fatalf("read Envoy's configuration: %v", err)
	}
	managers := 0
	var visit func(node any)
	visit = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, each := range node {
				visit(each)
			}
		case map[string]any:
			filters, _ := node["http_filters"].([]any)
			for _, each := range filters {
				filter, _ := each.(map[string]any)
				if name, _ := filter["name"].(string); strings.Contains(name, "sallyport") {
					managers++
					if got := node["request_timeout"]; got != want {
						t.Errorf("the connection manager with %s lets a request take %v, want %s", name, got, want)
					}
				}
			}
			for _, each := range node {
				visit(each)
			}
		}
	}
	visit(dump)
	if managers == 0 {
		t.Error("no connection manager has the filter")
	}
}
