// Package pipeline runs an ordered sequence of steps over one request. It
// knows no host: time is in the exchange, a callout is a value, and waiting is
// an outcome.
package pipeline

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
)

// Exchange is one request as the steps see it, and what they learned so far.
type Exchange struct {
	Method    string
	Authority string // as sent, port included
	Path      string // without the query
	Query     string // without '?'
	HasQuery  bool   // tells "/p?" from "/p"
	Headers   []host.Header

	// Client finds the client's address; see ClientAddress. nil for a client
	// without one.
	Client  func(*Exchange) ipaddr.Addr
	address ipaddr.Addr
	asked   bool

	// Now is read once when the exchange begins and again when it resumes. It
	// is in unix nanoseconds, as all times that steps see: a type that a Step
	// can see keeps its methods in the module, and those of time.Time are 90
	// KiB.
	Now int64

	API    API
	Caller Caller

	// KeyOwner is whose key came with the request, also when it was refused. It
	// is for the records; only Caller may decide anything.
	KeyOwner KeyOwner

	// Token is what introspection said; nil until it did. See TakeToken.
	Token  *Claims
	claims Claims // room for it

	// DPoP lists the algorithms of proofs for challenges; see denial.Denial.
	DPoP string

	// Allowances are what the limits that let the request pass have left for
	// its client, if the operator wants clients to be told.
	Allowances []Allowance

	// held are the places that it takes up; see Hold.
	held []Place

	// Edits are applied once, after the last step has continued.
	Edits Edits

	// DryRun holds the reasons for which steps in dry run would have refused,
	// and Overridden those which on_error turned into a continue.
	DryRun     []denial.Reason
	Overridden []denial.Reason
}

// Allowance is what a limit has left for a client: so many requests now, and
// all of them again after so many seconds.
type Allowance struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Limit              *denial.Limit
	Remaining, Seconds int
}

// Place is room for one request that is taken until the request has ended.
type Place interface {
	// Leave gives it back, once.
	Leave()
}

// Hold keeps a place until the request is refused or its stream has ended,
// whichever comes first.
func (x *Exchange) Hold(p Place) { x.held = append(x.held, p) }

// LeavePlaces gives back what is held. Each place is given back once, however
// often this is called, and whatever becomes of those before it.
func (x *Exchange) LeavePlaces() {
	for len(x.held) > 0 {
		last := len(x.held) - 1
		p := x.held[last]
		x.held[last] = nil
		x.held = x.held[:last]
		p.Leave()
	}
}

// API is the API that the request's host and path select. PathSuffix is the
// path below its base path, "/" at least: Apigee's proxy.pathsuffix.
type API struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	Name, Version, PathSuffix string
}

// Caller is the app whose key came with the request; zero when none was verified.
type Caller struct {
	App, Developer, Product, KeyID string
	// TokenClients lists the OAuth clients whose tokens may come with the key;
	// empty means any.
	TokenClients []string
	// ProductScopes lists the scopes of the product; a token must have at least
	// one of them when the list is not empty.
	ProductScopes []string
	// AppAttributes and ProductAttributes are the operator's own words about them.
	AppAttributes, ProductAttributes map[string]string
}

// KeyOwner names an app and its key; zero when no known key came.
type KeyOwner struct {
	_ [0]func() // not comparable: an unused == costs the guest code

	App, KeyID string
}

// Claims are the members of an active introspection answer that rules look at
// (RFC 7662 section 2.2). Times are unix seconds, 0 when absent.
type Claims struct {
	Active    bool
	Expires   int64
	NotBefore int64
	Issuer    string
	Audience  []string
	ClientID  string
	Subject   string
	Scopes    []string
	TokenType string
	// OtherKind reports that a member says that the token is not an access
	// token, but a refresh token, an ID token or of an unknown kind.
	OtherKind bool
	// SenderConstrained reports that the answer had cnf (RFC 7800): the token
	// is bound to a key that a plain Bearer presentation does not prove (RFC
	// 9449 section 7.1, RFC 8705 section 3).
	SenderConstrained bool
	// KeyThumbprint is cnf.jkt and CertificateThumbprint cnf["x5t#S256"], as
	// they were sent, "" when absent. With neither, or with anything beside
	// them, nobody can prove a sender-constrained token.
	KeyThumbprint         string
	CertificateThumbprint string
	// Proven reports that this request proved all of them. It is not a claim,
	// and is not stored anywhere.
	Proven bool
}

// ClientAddress is the client's address as the host, or the operator's own
// proxies, vouch for it; none if they did not give it, or wrote something else.
// It is looked up once, when it is first asked for: that costs a hostcall, and
// most sequences have no use for it.
//
//go:noinline
func (x *Exchange) ClientAddress() ipaddr.Addr {
	if !x.asked && x.Client != nil {
		x.address, x.asked = x.Client(x), true
	}
	return x.address
}

// TakeToken makes Token a copy of the claims: they are cached, or shared by
// many waiting requests, and must be out of reach of the steps of one exchange.
func (x *Exchange) TakeToken(claims *Claims) {
	audience, scopes := x.claims.Audience[:0], x.claims.Scopes[:0]
	x.claims = *claims
	x.claims.Audience = append(audience, claims.Audience...)
	x.claims.Scopes = append(scopes, claims.Scopes...)
	x.Token = &x.claims
}

// Reset makes the exchange as new. It keeps the memory of its lists.
func (x *Exchange) Reset() {
	remove, set := x.Edits.Remove, x.Edits.Set
	held, allowances := x.held, x.Allowances
	audience, scopes := x.claims.Audience, x.claims.Scopes
	clear(remove)
	clear(set)
	clear(audience)
	clear(scopes)
	*x = Exchange{}
	x.held, x.Allowances = held[:0], allowances[:0]
	x.Edits.Remove, x.Edits.Set = remove[:0], set[:0]
	x.claims.Audience, x.claims.Scopes = audience[:0], scopes[:0]
}

// HeaderValues gives every value of the header, in order; name is lower case.
func (x *Exchange) HeaderValues(name string) []string {
	var values []string
	for _, h := range x.Headers {
		if h.Name == name {
			values = append(values, h.Value)
		}
	}
	return values
}
