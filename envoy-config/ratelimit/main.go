// Command ratelimit is envoyproxy/ratelimit, the engine of quotas, at the version
// that the tests run. It has a module of its own: Sallyport needs nothing of what
// the service is made of. Its settings are variables of the environment; see
// docs/quota.md.
package main

import (
	"github.com/envoyproxy/ratelimit/src/service_cmd/runner"
	"github.com/envoyproxy/ratelimit/src/settings"
)

func main() {
	service := runner.NewRunner(settings.NewSettings())
	service.Run()
}
