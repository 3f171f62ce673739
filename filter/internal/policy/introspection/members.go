package introspection

import (
	"errors"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// flaw is what is wrong with a text of claims, whoever wrote it. The zero value
// is one.
type flaw uint8

const (
	wrongForm flaw = iota // a claim of another type than it has to be
	notJSON
	notObject
	duplicate
	tooDeep
	tooManyMembers
	textTooLong
	tooManyAudiences
	tooManyScopes
	sound // nothing is
)

// ofAnswer is the reason for which an introspection answer with the flaw is
// refused. JSON that is no object has no active.
func (f flaw) ofAnswer() fault.Reason {
	switch f {
	case notJSON:
		return fault.IntrospectionNotJSON
	case notObject:
		return fault.IntrospectionNoActive
	case duplicate:
		return fault.IntrospectionDuplicateMember
	case tooDeep:
		return fault.IntrospectionTooDeep
	case tooManyMembers:
		return fault.IntrospectionTooManyMembers
	case textTooLong:
		return fault.IntrospectionClaimTooLong
	case tooManyAudiences:
		return fault.IntrospectionTooManyAudiences
	case tooManyScopes:
		return fault.IntrospectionTooManyScopes
	}
	return fault.IntrospectionClaimsInvalid
}

// ofToken is the reason for which a JWT with the flaw is refused.
func (f flaw) ofToken() fault.Reason {
	switch f {
	case tooDeep:
		return fault.TokenTooDeep
	case tooManyMembers:
		return fault.TokenTooManyMembers
	case textTooLong:
		return fault.TokenClaimTooLong
	case tooManyAudiences:
		return fault.TokenTooManyAudiences
	case tooManyScopes:
		return fault.TokenTooManyScopes
	}
	return fault.TokenMalformed
}

// readMembers reads the outer object of an answer, or of a token.
func readMembers(body []byte) ([]jsonobject.Member, flaw) {
	members, err := jsonobject.Read(body)
	return members, flawOf(err)
}

func flawOf(err error) flaw {
	switch {
	case err == nil:
		return sound
	case errors.Is(err, jsonobject.ErrDuplicate):
		return duplicate
	case errors.Is(err, jsonobject.ErrTooDeep):
		return tooDeep
	case errors.Is(err, jsonobject.ErrTooManyMembers):
		return tooManyMembers
	case errors.Is(err, jsonobject.ErrNotObject):
		return notObject
	}
	return notJSON
}
