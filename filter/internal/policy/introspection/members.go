package introspection

import (
	"errors"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// flaw is what is wrong with a text of claims, whoever wrote it. The zero value
// is one.
type flaw uint8

const (
	wrongForm flaw = iota // a claim of the wrong type
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
// refused. JSON that is not an object has no active.
func (f flaw) ofAnswer() denial.Reason {
	switch f {
	case notJSON:
		return denial.IntrospectionNotJSON
	case notObject:
		return denial.IntrospectionNoActive
	case duplicate:
		return denial.IntrospectionDuplicateMember
	case tooDeep:
		return denial.IntrospectionTooDeep
	case tooManyMembers:
		return denial.IntrospectionTooManyMembers
	case textTooLong:
		return denial.IntrospectionClaimTooLong
	case tooManyAudiences:
		return denial.IntrospectionTooManyAudiences
	case tooManyScopes:
		return denial.IntrospectionTooManyScopes
	}
	return denial.IntrospectionClaimsInvalid
}

// ofToken is the reason for which a JWT with the flaw is refused.
func (f flaw) ofToken() denial.Reason {
	switch f {
	case tooDeep:
		return denial.TokenTooDeep
	case tooManyMembers:
		return denial.TokenTooManyMembers
	case textTooLong:
		return denial.TokenClaimTooLong
	case tooManyAudiences:
		return denial.TokenTooManyAudiences
	case tooManyScopes:
		return denial.TokenTooManyScopes
	}
	return denial.TokenMalformed
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
