//go:build !faultinjection && !doormarks

package pipeline

// InjectFault does nothing in a production build.
func InjectFault(*Exchange, string, Step) {}
