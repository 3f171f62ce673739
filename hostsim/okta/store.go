package okta

import (
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"
)

// Bounds of what the org remembers.
const (
	maxTokens       = 1 << 17
	maxAuthRequests = 1024
	authRequestLife = 10 * time.Minute // from authorize to login
	codeLife        = 60 * time.Second // Okta's life of an authorization code
)

// store is everything that the org remembers. Its methods for the zitadel
// library are in opstorage.go.
type store struct {
	cfg    *Config
	signer *tokenSigner

	mu     sync.Mutex
	tokens map[string]*record      // by jti
	auth   map[string]*authRequest // by id
	codes  map[string]*authRequest // by code; each can be spent once
}

func newStore(cfg *Config, signer *tokenSigner) *store {
	return &store{
		cfg: cfg, signer: signer,
		tokens: map[string]*record{}, auth: map[string]*authRequest{}, codes: map[string]*authRequest{},
	}
}

// randomID is prefix and 128 random bits or more.
func randomID(prefix string) string { return prefix + rand.Text() }

func (s *store) client(id string) (*Client, bool) {
	i := slices.IndexFunc(s.cfg.Clients, func(c Client) bool { return c.ID == id })
	if i < 0 {
		return nil, false
	}
	return &s.cfg.Clients[i], true
}

func (s *store) user(login string) (*User, bool) {
	i := slices.IndexFunc(s.cfg.Users, func(u User) bool { return u.Login == login })
	if i < 0 {
		return nil, false
	}
	return &s.cfg.Users[i], true
}

// newRecord makes and remembers an access token.
func (s *store) newRecord(r TokenRequest) (*record, error) {
	if _, ok := s.client(r.ClientID); !ok {
		return nil, errors.New("unknown client")
	}
	rec := &record{
		id: randomID(tokenIDPrefix), clientID: r.ClientID,
		audience: r.Audience, scopes: slices.Clone(r.Scopes), issued: s.cfg.Now(),
	}
	if rec.scopes == nil {
		rec.scopes = []string{} // an empty array in the token, never null
	}
	if r.User != "" {
		user, ok := s.user(r.User)
		if !ok {
			return nil, errors.New("unknown user")
		}
		rec.user, rec.authTime = user, rec.issued
	}
	if rec.audience == "" {
		rec.audience = s.cfg.Audience
	}
	life := r.Lifetime
	if life == 0 {
		life = s.cfg.AccessTokenLifetime
	}
	rec.expires = rec.issued.Add(life)
	if life < 0 {
		rec.issued = rec.expires.Add(-s.cfg.AccessTokenLifetime)
	}
	return rec, s.remember(rec)
}

func (s *store) remember(rec *record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tokens) >= maxTokens {
		now := s.cfg.Now()
		for id, old := range s.tokens {
			if !now.Before(old.expires) {
				delete(s.tokens, id)
			}
		}
	}
	if len(s.tokens) >= maxTokens {
		return errors.New("too many live tokens")
	}
	s.tokens[rec.id] = rec
	return nil
}

// record returns a copy, so that callers need no lock.
func (s *store) record(id string) (*record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, ok := s.tokens[id]
	if !ok {
		return nil, false
	}
	c := *rec
	return &c, true
}

// active is record for a token that is neither revoked nor expired.
func (s *store) active(id string) (*record, bool) {
	rec, ok := s.record(id)
	if !ok || rec.revoked || !s.cfg.Now().Before(rec.expires) {
		return nil, false
	}
	return rec, true
}

func (s *store) revoke(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, ok := s.tokens[id]
	if ok {
		rec.revoked = true
	}
	return ok
}

// grantable says whether the server knows all scopes, and whether the client may have them.
func (s *store) grantable(c *Client, scopes []string) (known, granted bool) {
	known, granted = true, true
	for _, scope := range scopes {
		switch {
		case slices.Contains(oidcScopes, scope):
		case !slices.Contains(s.cfg.Scopes, scope):
			known = false
		case !slices.Contains(c.Scopes, scope):
			granted = false
		}
	}
	return known, granted
}
