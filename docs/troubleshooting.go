package docs

import (
	_ "embed" // the page below
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed troubleshooting.md
var troubleshooting string

// Advice is one row of the page on troubleshooting: what to do about reasons
// that have one cause.
type Advice struct {
	Section string   // the heading above it
	Reasons []string // as x-sallyport-reason has them
	Text    string   // plain, without Markdown
}

var (
	quotedReason = regexp.MustCompile("`([a-z_]+\\.[a-z_]+)`")
	markdownLink = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// Troubleshooting is the page's advice, in its order.
func Troubleshooting() (all []Advice) {
	section := ""
	for line := range strings.Lines(troubleshooting) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			section = heading
			continue
		}
		// A row of two cells; a bar within a cell is written \|.
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
		if len(cells) != 4 || cells[0] != "" {
			continue
		}
		a := Advice{Section: section, Text: plain(cells[2])}
		for _, reason := range quotedReason.FindAllStringSubmatch(cells[1], -1) {
			a.Reasons = append(a.Reasons, reason[1])
		}
		if len(a.Reasons) > 0 {
			all = append(all, a)
		}
	}
	return all
}

// plain is a cell without its Markdown, as a sentence: where code begins or ends it, it keeps its letter or has no full stop.
func plain(cell string) string {
	cell = markdownLink.ReplaceAllString(strings.ReplaceAll(strings.TrimSpace(cell), "\x00", "|"), "$1")
	text := strings.ReplaceAll(cell, "`", "")
	if first, size := utf8.DecodeRuneInString(cell); unicode.IsLower(first) {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if last, _ := utf8.DecodeLastRuneInString(cell); unicode.IsLetter(last) || unicode.IsDigit(last) || last == ')' {
		text += "."
	}
	return text
}
