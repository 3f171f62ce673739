package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// inactivePrefix begins the tokens that the authority does not know.
const inactivePrefix = "inactive-"

// boundPrefix begins the tokens that are bound to a certificate; its thumbprint (RFC 8705 section 3.1) follows.
const boundPrefix = "bound-to-"

// keyBoundPrefix begins those that are bound to a key, by its thumbprint (RFC 9449 section 6.1).
const keyBoundPrefix = "key-bound-to-"

// authority is an authorization server. It knows every token but those with inactivePrefix, each as the subject of
// its own, and answers for a token that is held when that is let go.
type authority struct {
	*httptest.Server
	mu     sync.Mutex
	calls  map[string]int
	held   map[string]chan struct{}
	keySet string // what it publishes at keysPath
	asks   int    // of keysPath
	takes  time.Duration
}

const keysPath = "/v1/keys"

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{calls: map[string]int{}, held: map[string]chan struct{}{}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.introspect))
	t.Cleanup(func() {
		a.CloseClientConnections()
		a.Close()
	})
	return a
}

func (a *authority) introspect(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == keysPath {
		a.mu.Lock()
		a.asks++
		held := a.held[keysPath]
		a.mu.Unlock()
		if held != nil {
			select {
			case <-held:
			case <-r.Context().Done():
				return
			}
		}
		_, _ = io.WriteString(w, a.keySet)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, verbatim.MaxMessage))
	form, formErr := url.ParseQuery(string(body))
	if err != nil || formErr != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	token := form.Get("token")
	a.mu.Lock()
	a.calls[token]++
	held, takes := a.held[token], a.takes
	a.mu.Unlock()
	time.Sleep(takes)
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("content-type", "application/json")
	if strings.HasPrefix(token, inactivePrefix) {
		_, _ = io.WriteString(w, `{"active":false}`)
		return
	}
	cnf := ""
	if thumbprint, bound := strings.CutPrefix(token, boundPrefix); bound {
		cnf = fmt.Sprintf(`"cnf":{"x5t#S256":%q},`, thumbprint)
	}
	if thumbprint, bound := strings.CutPrefix(token, keyBoundPrefix); bound {
		cnf = fmt.Sprintf(`"cnf":{"jkt":%q},`, thumbprint)
	}
	_, _ = fmt.Fprintf(w, `{`+cnf+`"active":true,"token_type":"Bearer","scope":"customers.read","client_id":"portal","sub":"jane",`+
		`"exp":%d,"aud":"api://default","iss":"https://dev.okta.com"}`, time.Now().Add(time.Hour).Unix())
}

// slow makes every answer take that long.
func (a *authority) slow(takes time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.takes = takes
}

func (a *authority) asked(token string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[token]
}

// askedInAll is how many introspections were made, and how many fetches of keys.
func (a *authority) askedInAll() (introspections, fetches int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.calls {
		introspections += n
	}
	return introspections, a.asks
}

// hold makes the answers for a token, or keysPath, wait until the function that it returns is called.
func (a *authority) hold(token string) (letGo func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := make(chan struct{})
	a.held[token] = held
	return sync.OnceFunc(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.held, token)
		close(held)
	})
}
