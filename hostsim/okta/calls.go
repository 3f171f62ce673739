package okta

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
)

// Endpoint is a back-channel endpoint.
type Endpoint string

// The back-channel endpoints.
const (
	EndpointToken      Endpoint = "token"
	EndpointIntrospect Endpoint = "introspect"
	EndpointRevoke     Endpoint = "revoke"
)

// maxCalls is how many finished calls are kept; older ones are forgotten.
const maxCalls = 4096

// Call is one finished back-channel call. It holds no token and no secret.
type Call struct {
	Endpoint  Endpoint
	ClientID  string // empty when the client was not authenticated
	TokenHash string // HashToken of the token in the form; empty without one
	Status    int    // 0 when the connection was closed without an answer
}

// HashToken is how Call names a token: the first 16 hex digits of its SHA-256.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}

// callLog is ready to use as its zero value.
type callLog struct {
	mu    sync.Mutex
	begun map[Endpoint]int
	done  []Call
}

func (l *callLog) begin(e Endpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun == nil {
		l.begun = map[Endpoint]int{}
	}
	l.begun[e]++
}

func (l *callLog) end(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.done) == maxCalls {
		l.done = slices.Delete(l.done, 0, 1)
	}
	l.done = append(l.done, c)
}

// IntrospectionCalls is how many introspection calls have arrived, answered or not.
func (o *Org) IntrospectionCalls() int {
	o.calls.mu.Lock()
	defer o.calls.mu.Unlock()
	return o.calls.begun[EndpointIntrospect]
}

// Calls are the latest finished back-channel calls, oldest first.
func (o *Org) Calls() []Call {
	o.calls.mu.Lock()
	defer o.calls.mu.Unlock()
	return slices.Clone(o.calls.done)
}
