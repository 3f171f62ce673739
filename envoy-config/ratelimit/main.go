// Command ratelimit is envoyproxy/ratelimit, the quota engine, at the version
// that the tests run. It has a module of its own: Sallyport needs none of the
// service's dependencies. Its settings are environment variables; see
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
