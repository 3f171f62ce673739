package demo

import (
	"encoding/json"
	"fmt"
	"strings"
)

// door is one step of the sequence, as a request met it.
type door struct {
	Name  string `json:"name"`
	State string `json:"state"` // opened, refused, or not reached
	// Took is how long the request was at the door, in ms; nil where it was not measured.
	Took *float64 `json:"took_ms,omitempty"`
}

const (
	doorOpened  = "opened"
	doorRefused = "refused"
	doorBeyond  = "not reached"
)

// The doors that are not a step of the configuration.
const (
	apiDoor     = "find the API"
	backendDoor = "backend"
)

// sequenceOf reads the names of the steps, in their order.
func sequenceOf(config []byte) ([]string, error) {
	var document struct {
		Sequence []map[string]any `json:"sequence"`
	}
	if err := json.Unmarshal(config, &document); err != nil {
		return nil, fmt.Errorf("read the sequence: %w", err)
	}
	var steps []string
	for _, step := range document.Sequence {
		for name := range step {
			steps = append(steps, name)
		}
	}
	return steps, nil
}

// ofRequireToken are the token reasons that only the last step has.
var ofRequireToken = map[string]bool{
	"token.expired": true, "token.not_yet_valid": true, "token.type_unsupported": true, "token.sender_constrained": true,
	"token.issuer_mismatch": true, "token.audience_mismatch": true, "token.client_mismatch": true,
	"token.client_not_bound": true, "token.scope_insufficient": true,
}

// doorOf is the door that refuses with this reason, "" when the reason does not say.
func doorOf(reason string) string {
	family, _, _ := strings.Cut(reason, ".")
	switch family {
	case "request", "api":
		return apiDoor
	case "ip_access", "spike_arrest", "concurrent_calls", "quota", "cors", "raise_fault":
		return family
	case "api_key", "app":
		return "verify_api_key"
	case "introspection", "dpop":
		return "introspect_token"
	case "token":
		if ofRequireToken[reason] {
			return "require_token"
		}
		return "introspect_token"
	}
	return ""
}

// doorsOf is how a request met the doors, in this order. Each opens only when the one before it did, so the one that
// refused says it for all.
func doorsOf(steps []string, decision, reason string) []door {
	names := append(append([]string{apiDoor}, steps...), backendDoor)
	closed, state := doorOf(reason), doorOpened
	if decision != "allow" && closed == "" {
		closed = apiDoor // refused by an unknown door: nothing is claimed to have opened
	}
	if decision == "allow" {
		closed = ""
	}
	doors := make([]door, 0, len(names))
	for _, name := range names {
		if state == doorOpened && name == closed {
			doors = append(doors, door{Name: name, State: doorRefused})
			state = doorBeyond
			continue
		}
		doors = append(doors, door{Name: name, State: state})
	}
	return doors
}
