package main

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSimOkta: the command issues a token that it then knows as active, and ends when it is interrupted.
func TestSimOkta(t *testing.T) {
	c := exec.CommandContext(t.Context(), build(t), "sim", "okta", "--listen", "127.0.0.1:0")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	issuer := strings.TrimSpace(strings.TrimPrefix(line, "issuer"))
	if err != nil || !strings.HasPrefix(issuer, "http://127.0.0.1:") {
		t.Fatalf("it says %q: %v", line, err)
	}
	post := func(path, client, secret string, form url.Values) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(client, secret)
		r.Header.Set("content-type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	answer := post("/v1/token", "portal", "portal-secret", url.Values{"grant_type": {"client_credentials"}, "scope": {"customers.read"}})
	_, rest, _ := strings.Cut(answer, `"access_token":"`)
	token, _, ok := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no token in %s", answer)
	}
	if got := post("/v1/introspect", "gateway", "gateway-secret", url.Values{"token": {token}}); !strings.Contains(got, `"active":true`) {
		t.Errorf("introspection says %s", got)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("interrupted, it ends with %v", err)
	}
}
