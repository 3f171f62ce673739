//go:build faultinjection

package gate

import "github.com/sallyport-gateway/sallyport/filter/internal/pipeline"

// injectFault panics when the request asks for it, so that tests can prove on
// a real host that a panic denies one request and no more.
func injectFault(x *pipeline.Exchange) {
	for _, when := range x.HeaderValues("x-inject-panic") {
		if when == "nil" {
			var claims *pipeline.Claims
			claims.Active = true
		}
		panic("injected with a secret-value in it")
	}
}
