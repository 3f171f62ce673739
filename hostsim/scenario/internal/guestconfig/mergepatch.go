package guestconfig

// mergePatch applies a patch to a target and returns the result, as RFC 7396
// section 2 says: an object changes the members that it names and null removes
// one, any other value takes the target's place. Neither argument is changed.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out := map[string]any{}
	if members, ok := target.(map[string]any); ok {
		for name, value := range members {
			out[name] = value
		}
	}
	for name, change := range changes {
		if change == nil {
			delete(out, name)
			continue
		}
		out[name] = mergePatch(out[name], change)
	}
	return out
}
