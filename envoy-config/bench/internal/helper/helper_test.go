package helper

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

func TestIntrospection(t *testing.T) {
	p, err := Start(Introspection, `{"active":true,"sub":"jane"}`)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	if p.PID() == os.Getpid() {
		t.Error("the helper is this process: its CPU time would be the bench's")
	}
	for token, want := range map[string]string{"good": `"active":true`, "garbage-1": `"active":false`} {
		resp, err := http.PostForm("http://"+p.Address+"/introspect", url.Values{"token": {token}})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %q, %v", token, body, err)
		}
	}
}

func TestUpstream(t *testing.T) {
	p, err := Start(Upstream)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + p.Address)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Error(resp.Status)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + p.Address); err == nil {
		t.Error("it still serves after Stop")
	}
}

func TestStartReportsAHelperThatEnds(t *testing.T) {
	if p, err := Start("nonsense"); err == nil {
		t.Errorf("started: %+v", p)
	}
}
