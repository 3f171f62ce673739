package command

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// printJSON writes one document.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// maxPrintable bounds a line of text from outside.
const maxPrintable = 4096

// printable makes text of a guest or a module harmless for a terminal: one line, no control characters, bounded.
func printable(s string) string {
	cut := ""
	if len(s) > maxPrintable {
		s, cut = s[:maxPrintable], "..."
	}
	clean := strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) || r == '\uFFFD' }) < 0
	if clean {
		return s + cut
	}
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`) + cut
}

func byteCount(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}
