package envoydriver

import (
	"strings"
	"testing"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

func TestPropertiesOfARealEnvoy(t *testing.T) {
	list := []scenario.Property{
		{Path: "xds.route_metadata.filter_metadata.a.b.key"}, {Path: "metadata.filter_metadata.a.key"}, {Path: "xds.route_name"},
		{Path: "xds.route_metadata.filter_metadata.key"}, {Path: "xds.route_metadata.filter_metadata.a."}, {Path: "request.path"},
		{Path: "xds.listener_metadata.filter_metadata.a.key", Kind: scenario.PropertyInt},
	}
	d := &Driver{}
	for i, want := range []string{"", "", "", "a real Envoy answers it itself", "a real Envoy answers it itself", "a real Envoy answers it itself", "a real Envoy can only be given text"} {
		got := d.Unsayable(scenario.Setup{Properties: list}, "properties "+list[i].Path)
		if (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", list[i].Path, got, want)
		}
	}
	own := &Driver{options: Options{Listener: func(Listener) (any, error) { return nil, nil }}}
	for word, sayable := range map[string]bool{"properties xds.route_name": false, "settings vm_id": false, "settings workers": true, "hostcalls": false} {
		if got := own.Unsayable(scenario.Setup{Properties: list}, word); (got == "") != sayable {
			t.Errorf("on a listener of the caller's own %s is sayable: %v (%s)", word, !sayable, got)
		}
	}
}

func TestPropertiesOfNetworkFiltersCannotBeSet(t *testing.T) {
	d := &Driver{}
	setup := scenario.Setup{Settings: scenario.Settings{Network: true}, Properties: []scenario.Property{{Path: "xds.route_name"}}}
	if d.Unsayable(setup, "properties xds.route_name") == "" {
		t.Error("a listener without routes is said to have a route's name")
	}
	if reason := d.Unsayable(setup, "settings network"); reason != "" {
		t.Errorf("the setting cannot be played: %s", reason)
	}
}
