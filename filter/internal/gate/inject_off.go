//go:build !faultinjection

package gate

import "github.com/sallyport-gateway/sallyport/filter/internal/pipeline"

// injectFault does nothing in a build for use.
func injectFault(*pipeline.Exchange) {}
