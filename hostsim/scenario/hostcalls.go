package scenario

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/variables"
)

// Hostcall is how the host answers a hostcall from some moment on.
type Hostcall struct {
	Name string // such as proxy_get_property
	// Never lifts all that was said of the name before.
	Never bool
	// With chooses calls by their arguments, written as hostsim trace prints
	// them: a text that they contain, or after ~ a regular expression for the
	// whole. Empty for all calls.
	With string
	// Fails is the status, such as NotFound; empty: the guest gets Ok and Gives.
	Fails string
	Gives []byte
	Times int // only the next calls; 0 for all
}

// HostcallInstance is an Instance that can watch hostcalls and answer them, as
// the words "hostcalls", "hostcall NAME" and "actions" want.
type HostcallInstance interface {
	Instance
	// SetHostcall holds from now on, before what was said earlier. Those of
	// Setup.Hostcalls hold from the guest's start.
	SetHostcall(h Hostcall) error
	// TakeTrace gives what happened since it was asked last, at first since the
	// start, in order. It is called only with Setup.WatchHostcalls.
	TakeTrace() Trace
}

// Trace is what guest and host had of each other.
type Trace struct {
	Hostcalls []string // names
	Actions   []string // of callbacks that return one, as "proxy_on_request_headers Pause"
}

// statuses are those that a hostcall can fail with, by the ABI's names.
const statuses = "NotFound, BadArgument, SerializationFailure, ParseFailure, BadExpression, InvalidMemoryAccess, Empty, CasMismatch, ResultMismatch, InternalFailure, BrokenConnection, Unimplemented"

const neverFails = "never"

// maxHostcalls bounds a number of calls.
const maxHostcalls = 1_000_000

func parseHostcall(name string, s passage, p *problems) *Hostcall {
	h := &Hostcall{Name: name}
	given := map[string]bool{}
	keyValues(s, p, func(key, value string) (err error) {
		given[key] = true
		switch key {
		case "fails":
			switch {
			case value == neverFails:
				h.Never = true
			case slices.Contains(strings.Split(statuses, ", "), value):
				h.Fails = value
			default:
				return fmt.Errorf("%s is not a status: write %s, or never", quote(value), statuses)
			}
		case "gives":
			h.Gives = []byte(value)
		case "with":
			h.With = value
		case "times":
			if h.Times, err = number(value, 1, maxHostcalls); err != nil {
				return fmt.Errorf("times: %w", err)
			}
		default:
			return fmt.Errorf("unknown word %s: write fails, gives, with or times", quote(key))
		}
		return nil
	})
	switch {
	case given["fails"] == given["gives"]:
		p.addf(s.line-1, "section hostcall wants one of fails: STATUS and gives: TEXT")
	case h.Never && len(given) > 1:
		p.addf(s.line-1, "fails: never stands alone: it lifts what was said before")
	}
	return h
}

func (x *expander) hostcall(h Hostcall) Hostcall {
	h.With = x.Expected(h.With)
	if h.Gives != nil {
		h.Gives = []byte(x.Text(string(h.Gives)))
	}
	return h
}

// Matches is whether the arguments of a call are those that With chooses.
func (h *Hostcall) Matches(args string) bool {
	if pattern.Is(h.With) {
		return pattern.Matches(h.With, args)
	}
	return strings.Contains(args, h.With)
}

// hostcallsWant are the only hostcalls that may be made.
type hostcallsWant struct {
	line, index int
	allowed     []allowedCall
}

// allowedCall is one name. Exactly and most bound how often, -1 for any number.
type allowedCall struct {
	text, name    string
	exactly, most int
}

func (a allowedCall) allows(n int) bool {
	return (a.exactly < 0 || n == a.exactly) && (a.most < 0 || n <= a.most)
}

func parseHostcalls(index int, s passage, p *problems) *hostcallsWant {
	w := &hostcallsWant{line: s.line, index: index}
	seen := map[string]bool{}
	for i, line := range lines(s.text) {
		name, count, counted := strings.Cut(line, " ")
		one := allowedCall{text: line, name: name, exactly: -1, most: -1}
		count, atMost := strings.CutPrefix(count, "<=")
		n, err := strconv.Atoi(count)
		switch {
		case !isHostcallName(name), counted && (err != nil || n < 0 || n > maxHostcalls):
			p.addf(s.line+i, "line %s is not the name of a hostcall, alone or with N or <=N behind it", quote(line))
			continue
		case counted && atMost:
			one.most = n
		case counted:
			one.exactly = n
		}
		if seen[name] {
			p.addf(s.line+i, "second line for %s: keep one", name)
		}
		seen[name] = true
		w.allowed = append(w.allowed, one)
	}
	if len(w.allowed) == 0 {
		p.addf(s.line, "section hostcalls has no line: write the name of each hostcall that may be made, or remove it")
	}
	return w
}

// hostcalls reads a section that lists the hostcalls of the open exchange, or
// before any request of the whole file.
func (r *reader) hostcalls(index int, s passage) {
	w := parseHostcalls(index, s, r.problems)
	into := &r.file.hostcalls
	switch {
	case r.open != nil:
		into = &r.open.hostcalls
	case r.file.requests() > 0:
		r.addf(s.line-1, "section hostcalls describes no request: write it after the request section, or before the first request for the whole file")
		return
	}
	if *into != nil {
		r.addf(s.line-1, "second section hostcalls, the first is at line %d: join them", (*into).line-1)
	}
	*into = w
}

// requests is how many the file has.
func (f *File) requests() (n int) {
	for _, s := range f.steps {
		if s.exchange != nil {
			n++
		}
	}
	return n
}

// watched is whether a section lists hostcalls or actions.
func (f *File) watched() bool {
	return f.hostcalls != nil || slices.ContainsFunc(f.steps, func(s step) bool {
		return s.exchange != nil && (s.exchange.hostcalls != nil || s.exchange.actions != nil)
	})
}

func isHostcallName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= variables.MaxName
}

// compareHostcalls also says how the section would have to be.
func compareHostcalls(w *hostcallsWant, calls []string) (d *delta.Delta, seen string) {
	d = &delta.Delta{}
	left := map[string]int{}
	for _, name := range calls {
		left[name]++
	}
	var b strings.Builder
	for _, a := range w.allowed {
		n := left[a.name]
		delete(left, a.name)
		text := a.text
		if !a.allows(n) {
			text = a.name + " " + strconv.Itoa(n)
		}
		d.Line(a.text, text, text == a.text)
		b.WriteString(text + "\n")
	}
	for _, name := range calls { // in the order in which they came
		if n, unlisted := left[name]; unlisted {
			delete(left, name)
			d.Extra(name + " " + strconv.Itoa(n))
			b.WriteString(name + "\n")
		}
	}
	return d, b.String()
}

var errNoHostcalls = errors.New("the driver shows no hostcalls")

func setHostcall(inst Instance, h Hostcall) error {
	able, ok := inst.(HostcallInstance)
	if !ok {
		return errNoHostcalls
	}
	return able.SetHostcall(h)
}

// hostcallWatch keeps the calls for the sections that list them, and for one of
// the whole file all.
type hostcallWatch struct {
	inst HostcallInstance // nil when nobody wants to know
	all  []string
}

func watchHostcalls(s Setup, inst Instance) (*hostcallWatch, error) {
	if !s.WatchHostcalls {
		return &hostcallWatch{}, nil
	}
	watching, ok := inst.(HostcallInstance)
	if !ok {
		return nil, errNoHostcalls
	}
	return &hostcallWatch{inst: watching}, nil
}

// whole compares those of the whole file.
func (w *hostcallWatch) whole(f *File) []finding {
	if f.hostcalls == nil {
		return nil
	}
	w.take()
	return []finding{hostcallsFinding(f.hostcalls, w.all)}
}

func hostcallsFinding(w *hostcallsWant, calls []string) finding {
	d, seen := compareHostcalls(w, calls)
	return finding{section: "hostcalls", line: w.line, index: w.index, delta: d, seen: seen, rewritable: true}
}

// take gives what happened since the last take.
func (w *hostcallWatch) take() Trace {
	if w.inst == nil {
		return Trace{}
	}
	trace := w.inst.TakeTrace()
	w.all = append(w.all, trace.Hostcalls...)
	return trace
}
