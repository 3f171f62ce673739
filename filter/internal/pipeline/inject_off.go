//go:build !faultinjection

package pipeline

// InjectFault does nothing in a build for use.
func InjectFault(*Exchange, string, Step) {}
