package e2e

import (
	"testing"

	"google.golang.org/protobuf/types/known/structpb"
	extensions "istio.io/api/extensions/v1alpha1"
	"istio.io/istio/pkg/config/schema/gvk"

	"github.com/sallyport-gateway/sallyport/envoy-config/internal/meshtest"
)

// TestIstioUpdate changes the filter's configuration through istiod while requests are under way: each gets the old or the new
// one, and none fails.
func TestIstioUpdate(t *testing.T) {
	const updates = 5
	w := meshtest.New(t)
	e := startEdge(t, w, oneGateway(t), "file://"+meshtest.Module(t), "")
	good := w.Good(t)
	e.client.Want(t, "a good request", "200", meshtest.Order, good...)
	end := e.client.Load(t, good)
	for i := range updates {
		version := "v" + string(rune('2'+i))
		e.update(t, func(config *structpb.Struct) {
			apis := config.Fields["apis"].GetListValue()
			apis.Values = append(apis.Values, structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
				"name": structpb.NewStringValue("customers"), "version": structpb.NewStringValue(version),
				"base_path": structpb.NewStringValue("/customers/" + version),
			}}))
		})
		meshtest.Until(t.Context(), t, "the update is in force", func() bool { return e.client.Knows(t, version, good) })
	}
	sent := end()
	t.Logf("%d requests through %d updates", sent, updates)
	if sent < 100 {
		t.Error("that was no load")
	}
}

// update changes the WasmPlugin in istiod's store, as kubectl apply does.
func (e *edge) update(t *testing.T, change func(*structpb.Struct)) {
	t.Helper()
	store := e.control.Store()
	found := store.Get(gvk.WasmPlugin, "sallyport", namespace)
	if found == nil {
		t.Fatal("istiod has no WasmPlugin")
	}
	next := found.DeepCopy()
	change(next.Spec.(*extensions.WasmPlugin).PluginConfig)
	if _, err := store.Update(next); err != nil {
		t.Fatal(err)
	}
}
