package usage

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
)

// Attribute is one value about a call for the proxy's access log.
type Attribute uint8

// The attributes.
const (
	App Attribute = iota
	Product
	API
	Version
	Key
	Decision
	Reason
	Subject

	attributeCount
)

var attributeNames = [attributeCount]string{"app", "product", "api", "version", "key", "decision", "reason", "subject"}

// AttributeNames are their names in the configuration, by Attribute. In the
// host they are prefixed with "sallyport.".
func AttributeNames() []string { return attributeNames[:] }

// inHost are their names in the host.
var inHost = func() (names [attributeCount]string) {
	for i, name := range attributeNames {
		names[i] = attributePrefix + name
	}
	return names
}()

const attributePrefix = "sallyport."

// Facts are what is known about a call when it is decided.
type Facts struct {
	Allowed  bool
	Answered bool          // in the backend's place
	Reason   denial.Reason // why not, when it was neither
	Party    Party
	KeyID    string
	Subject  string // of the token
}

// Describe gives an attribute's name in the host and its value, "" when that is
// not known.
func (v *Facts) Describe(a Attribute) (name, value string) { return inHost[a], v.value(a) }

func (v *Facts) value(a Attribute) string {
	switch a {
	case App:
		return v.Party.App
	case Product:
		return v.Party.Product
	case API:
		return v.Party.API
	case Version:
		return v.Party.Version
	case Key:
		return v.KeyID
	case Subject:
		return pseudonym(v.Subject)
	case Decision:
		if v.Allowed {
			return "allow"
		}
		if v.Answered {
			return "answer"
		}
		return "deny"
	}
	if v.Allowed || v.Answered {
		return ""
	}
	return v.Reason.String()
}

// pseudonymBytes of a hash make 16 hex digits: no two of a billion users are
// likely to collide.
const pseudonymBytes = 8

// pseudonym is the beginning of a subject's SHA-256. It has no key on purpose:
// all proxies, also after a restart, must give a user the same pseudonym, and
// an operator must be able to compute it for the user who complains. So it
// hides a name from those who read the log, but not from those who guess it.
func pseudonym(subject string) string {
	if subject == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(subject))
	return ascii.Hex(sum[:pseudonymBytes])
}
