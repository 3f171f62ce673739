package demo

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

// Bounds of the portal's sessions.
const (
	sessionCookie = "sallyport_portal"
	sessionLife   = time.Hour
	maxSessions   = 1024
)

// person is the user as the ID token names them.
type person struct {
	Name, Login string
}

// session is one browser: first on its way through Okta (state, nonce and
// verifier are set), then signed in (token is set). It is never changed once
// it is stored.
type session struct {
	created                time.Time
	state, nonce, verifier string
	token                  string
	user                   person
}

// sessions is ready to use as its zero value.
type sessions struct {
	mu   sync.Mutex
	byID map[string]session
}

// start stores s under a new id and gives the browser its cookie. The id that
// the browser had before ends: an id from before the login is worth nothing after it.
func (t *sessions) start(w http.ResponseWriter, r *http.Request, s session) bool {
	t.end(w, r)
	s.created = time.Now()
	id := rand.Text()
	t.mu.Lock()
	defer t.mu.Unlock()
	for old, other := range t.byID {
		if s.created.Sub(other.created) > sessionLife {
			delete(t.byID, old)
		}
	}
	if len(t.byID) >= maxSessions {
		return false
	}
	if t.byID == nil {
		t.byID = map[string]session{}
	}
	t.byID[id] = s
	http.SetCookie(w, cookie(id, int(sessionLife.Seconds()), r))
	return true
}

func (t *sessions) find(r *http.Request) (session, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.byID[c.Value]
	return s, ok && time.Since(s.created) <= sessionLife
}

func (t *sessions) end(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, c.Value)
	w.Header().Del("Set-Cookie")
	http.SetCookie(w, cookie("", -1, r))
}

// cookie is Lax, because the browser must bring it along when Okta sends it back.
func cookie(id string, maxAge int, r *http.Request) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure follows the connection; the portal may speak plain HTTP on loopback
		Name: sessionCookie, Value: id, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	}
}
