package wasmhost

import "testing"

func TestExplainNamesHostcalls(t *testing.T) {
	for name := range reasons {
		if hostcallsByName["env."+name] == nil {
			t.Errorf("%s is not a hostcall", name)
		}
	}
}
