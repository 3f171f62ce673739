package introspection

import (
	"errors"

	"github.com/sallyport-gateway/sallyport/filter/internal/fault"
	"github.com/sallyport-gateway/sallyport/filter/internal/jsonobject"
)

// readMembers reads the outer object of an answer. JSON that is no object has
// no active.
func readMembers(body []byte) (members []jsonobject.Member, reason fault.Reason, ok bool) {
	members, err := jsonobject.Read(body)
	switch {
	case err == nil:
		return members, 0, true
	case errors.Is(err, jsonobject.ErrDuplicate):
		return nil, fault.IntrospectionDuplicateMember, false
	case errors.Is(err, jsonobject.ErrTooLarge):
		return nil, fault.IntrospectionTooLarge, false
	case errors.Is(err, jsonobject.ErrNotObject):
		return nil, fault.IntrospectionNoActive, false
	}
	return nil, fault.IntrospectionNotJSON, false
}
