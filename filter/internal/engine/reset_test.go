package engine

import (
	"reflect"
	"testing"

	"github.com/sallyport-gateway/sallyport/filter/internal/denial"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline/pipelinetest"
)

// TestResetLeavesNothing: every field of a stream that has one but its engine and what it made for itself is zero after it,
// whatever fields there will be.
func TestResetLeavesNothing(t *testing.T) {
	s := (&Engine{}).Open(7)
	s.phase, s.deadline, s.began, s.reason, s.answered, s.recorded, s.size, s.woken, s.replied = refused, 1, 2, denial.APIKeyExpired, 401, true, 5, true, true
	s.run.Begin(pipeline.NewSequence())
	x := &s.exchange
	*x = pipeline.Exchange{
		Method: "GET", Authority: "a", Path: "/", Query: "q", HasQuery: true, Headers: []host.Header{{Name: "x"}},
		Client: pipelinetest.From("192.0.2.1"), Now: 3, API: pipeline.API{Name: "a"},
		Caller: pipeline.Caller{App: "shop"}, KeyOwner: pipeline.KeyOwner{App: "shop"}, DPoP: "ES256",
		Allowances: []pipeline.Allowance{{Remaining: 1}},
		DryRun:     []denial.Reason{1}, Overridden: []denial.Reason{1},
	}
	x.Hold(nil)
	x.ClientAddress()
	x.TakeToken(&pipeline.Claims{Active: true, Scopes: []string{"s"}, Audience: []string{"a"}})
	x.Edits = pipeline.Edits{Remove: []string{"secret"}, Set: []host.Header{{Name: "x", Value: "secret"}}, Query: "q", QueryChanged: true}
	remove := x.Edits.Remove
	s.reset()

	allZero(t, "stream", reflect.ValueOf(s).Elem(), map[string]bool{"engine": true, "resume": true})
	if remove[0] != "" {
		t.Errorf("the memory of a list still has %q", remove[0])
	}
}

// allZero looks into structs; the list of an earlier request may have memory, and no elements.
func allZero(t *testing.T, path string, v reflect.Value, but map[string]bool) {
	t.Helper()
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch {
		case but[name] || f.IsZero():
		case f.Kind() == reflect.Struct:
			allZero(t, path+"."+name, f, nil)
		case f.Kind() == reflect.Slice && f.Len() == 0:
		default:
			t.Errorf("%s.%s is not zero", path, name)
		}
	}
}
