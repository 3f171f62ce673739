package abi

import "runtime"

// PanicHandler is called after a panic was recovered in an export, with the
// context id of the callback, its name, and where it happened. The panic's
// value is passed on only if it is the runtime's own, since any other might
// hold a secret.
type PanicHandler func(contextID uint32, callback, where string)

var onPanic PanicHandler

// HandlePanics sets what is called after a panic was recovered. It is called
// once, before the first callback.
func HandlePanics(h PanicHandler) { onPanic = h }

// maxFrames bounds the trace in a panic's log line.
const maxFrames = 12

// current is the callback that is running: the host makes one call at a time.
var current struct {
	context uint32
	name    string
}

// enter notes which callback an export is.
func enter(contextID uint32, callback string) {
	current.context, current.name = contextID, callback
}

// guard is deferred by every export. It must be deferred directly, or recover
// would see nothing.
func guard() {
	value := recover()
	if value != nil {
		recovered(current.context, current.name, value)
	}
	poison()
}

func recovered(contextID uint32, callback string, value any) {
	defer func() { _ = recover() }() // a handler that panics must not trap the VM either
	if onPanic != nil {
		onPanic(contextID, callback, describe(value))
	}
}

func describe(value any) string {
	text := "panic"
	if err, ok := value.(runtime.Error); ok {
		text = err.Error()
	}
	var pcs [maxFrames]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(5, pcs[:])])
	for {
		frame, more := frames.Next()
		if frame.Function != "" {
			text += " < " + frame.Function
		}
		if !more {
			return text
		}
	}
}
