package wasmhost

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a backtrace in the log: names come from the module, which is not trusted.
const (
	maxFrames    = 64
	maxFrameName = 200
)

// trapText is what the log says about a trap: the reason, and the guest's functions below it as Envoy writes them.
// Source: proxy-wasm-cpp-host src/v8/v8.cc getFailMessage.
func (v *VM) trapText(err error) string {
	_, trace, ok := strings.Cut(err.Error(), "\nwasm stack trace:\n")
	text := firstLine(err)
	if !ok {
		return text
	}
	var b strings.Builder
	b.WriteString(text + "\nProxy-Wasm plugin in-VM backtrace:")
	n := 0
	for line := range strings.Lines(trace) {
		frame, isFrame := frameName(line)
		if !isFrame {
			continue
		}
		if n == maxFrames {
			b.WriteString("\n  ...")
			break
		}
		fmt.Fprintf(&b, "\n  %d: %s", n, v.exportName(frame))
		n++
	}
	return b.String()
}

// exportName is the export name of a frame's function in a module without a name section, where the frame has only its
// number, "$7".
func (v *VM) exportName(frame string) string {
	number, ok := strings.CutPrefix(frame, "$")
	index, err := strconv.ParseUint(number, 10, 32)
	if !ok || err != nil {
		return frame
	}
	for name, def := range v.linked.code.ExportedFunctions() {
		if uint64(def.Index()) == index {
			return boundedName(name)
		}
	}
	return frame
}

// frameName is the function in one line of wazero's trace, such as "\t.main.f(i32,i32) i32"; a line with two tabs is a
// place in the source, and belongs to the function before it.
func frameName(line string) (name string, ok bool) {
	name, ok = strings.CutPrefix(strings.TrimRight(line, "\n"), "\t")
	if !ok || strings.HasPrefix(name, "\t") {
		return "", false
	}
	if at := strings.LastIndex(name, "("); at > 0 {
		name = name[:at]
	}
	name = boundedName(strings.TrimPrefix(name, "."))
	return name, name != ""
}

func boundedName(name string) string {
	if name = strings.ToValidUTF8(name, "?"); len(name) > maxFrameName {
		name = strings.ToValidUTF8(name[:maxFrameName], "") + "..."
	}
	return name
}

// firstLine is the reason alone.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimSuffix(line, " (recovered by wazero)")
}
