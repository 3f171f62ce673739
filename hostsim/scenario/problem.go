package scenario

import (
	"errors"
	"fmt"
	"strconv"
)

// Problem is one fault of a scenario file: where it is, what is wrong and what
// to write instead.
type Problem struct {
	Path string
	Line int // 1 is the first
	Text string
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.Path, p.Line, p.Text) }

// maxProblems bounds the answer to a file that is wrong throughout.
const maxProblems = 50

// problems collects what is wrong with one file.
type problems struct {
	path string
	list []error
}

func (p *problems) addf(line int, format string, args ...any) {
	if len(p.list) < maxProblems {
		p.list = append(p.list, &Problem{Path: p.path, Line: line, Text: fmt.Sprintf(format, args...)})
	}
}

func (p *problems) err() error { return errors.Join(p.list...) }

// quote shows file text in a message, cut to a bearable length.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "..."
	}
	return strconv.Quote(s)
}
