//go:build faultinjection

package pipeline

import "sync"

// InjectFault panics when the request's header x-inject-panic names the point
// that the exchange has come to, so that tests can prove on a real host that a
// panic denies one request and no more. It says "headers", "apply STEP" or
// "resume STEP"; with " nil" behind it, the runtime panics by itself, and with
// " fatal" it ends the VM, which nothing can recover.
func InjectFault(x *Exchange, point string, s Step) {
	if s != nil {
		point += " " + s.Name()
	}
	for _, wanted := range x.HeaderValues("x-inject-panic") {
		switch wanted {
		case point:
			panic("injected with a secret-value in it")
		case point + " nil":
			var claims *Claims
			claims.Active = true
		case point + " fatal":
			var unlocked sync.Mutex
			unlocked.Unlock()
		}
	}
}
