package config

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable/memstore"
)

// TestStepsAreWhatTheyAreCalled: a step that was built has the word by which its
// sequence names it, which metrics and traces show.
func TestStepsAreWhatTheyAreCalled(t *testing.T) {
	document := everyMember(t).(map[string]any)
	var want []string
	for _, item := range document["sequence"].([]any) {
		for name, options := range item.(map[string]any) {
			if options.(map[string]any)["enabled"] != false {
				want = append(want, name)
			}
		}
	}
	document["apis"].([]any)[0].(map[string]any)["sequence"] = document["sequence"]
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	c, problems := Load(data, anyEnv)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := c.Sequences(host.Ports{Store: memstore.New(nil)})[0].Names()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-configured +built):\n%s", diff)
	}
	for _, s := range steps {
		if !slices.Contains(got, s.name) {
			t.Errorf("testdata/every_member.yaml lacks %s", s.name)
		}
		if _, ok := s.kind.(policy.Described); !ok {
			t.Errorf("%s has no schema", s.name)
		}
	}
}
