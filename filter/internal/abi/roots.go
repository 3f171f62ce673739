package abi

// Roots hears of the host's plugin instances, each with a root context.
type Roots interface {
	// Create begins an instance.
	Create(root uint32)
	// Configure reports whether the instance takes its configuration, for which see
	// PluginConfiguration.
	Configure(root uint32) (ok bool)
	// Tick is called once in every period of SetTickPeriod.
	Tick(root uint32)
}
