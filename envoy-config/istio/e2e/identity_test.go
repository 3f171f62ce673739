package e2e

import (
	"istio.io/istio/pilot/pkg/model"
	istio "istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/spiffe"

	v3 "istio.io/istio/pilot/pkg/xds/v3"
)

// identified hands secrets to the gateway as istiod does to a proxy that came by TLS with a workload certificate: the port of the
// test's istiod has no TLS, so nobody proves who they are.
type identified struct{ model.XdsResourceGenerator }

func (g identified) Generate(proxy *model.Proxy, w *model.WatchedResource, r *model.PushRequest) (model.Resources, model.XdsLogDetails, error) {
	proxy.VerifiedIdentity = &spiffe.Identity{TrustDomain: "cluster.local", Namespace: namespace, ServiceAccount: "edge"}
	return g.XdsResourceGenerator.Generate(proxy, w, r)
}

func identify(control *istio.FakeDiscoveryServer) {
	generators := control.Discovery.Generators
	generators[v3.SecretType] = identified{generators[v3.SecretType]}
}
