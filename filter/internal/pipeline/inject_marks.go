//go:build doormarks && !faultinjection

package pipeline

// Mark is called when a request comes to a step, and when a step that waited
// goes on. The build for the demo, whose page Trace shows what each step took,
// sets it; a production build has neither.
var Mark = func(resumed bool) {}

// InjectFault marks the point that the exchange has come to.
func InjectFault(_ *Exchange, point string, s Step) {
	if s != nil {
		Mark(point == "resume")
	}
}
