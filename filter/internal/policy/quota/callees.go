package quota

import "github.com/sallyport-gateway/sallyport/filter/internal/policy"

// Callees implements policy.Calling: the engine, which has no host in the options.
func (*Policy) Callees(options map[string]any) []policy.Callee {
	const member = "engine.cluster"
	cluster := policy.OptionText(options, member)
	if cluster == "" {
		return nil
	}
	return []policy.Callee{{Cluster: cluster, Member: member, GRPC: true}}
}
