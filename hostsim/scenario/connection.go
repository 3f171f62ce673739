package scenario

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/delta"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/pattern"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/internal/variables"
)

// Move is one thing that happens on a TCP connection: what one of its ends does,
// or time that passes.
type Move struct {
	Who    string // ClientEnd or BackendEnd; empty when time passes
	What   string // Sends, Ends or Resets
	Data   []byte
	Passes time.Duration
	Text   string // the line in the file
}

// The ends of a connection, and what they can do. Ends is a half-close.
const (
	ClientEnd  = "client"
	BackendEnd = "backend"
	Sends      = "send"
	Ends       = "end"
	Resets     = "reset"
)

// ConnectionInstance is an Instance whose guest can be a network filter in front
// of tcp_proxy, as "settings network" wants. Setup.Upstream then has FaultRefuse,
// or means nothing.
type ConnectionInstance interface {
	Instance
	// Converse plays moves on a new TCP connection, closes it, and returns when the
	// guest is done with it. The Result has Ends instead of Response and Backend.
	Converse(ctx context.Context, moves []Move) (Result, error)
}

// conversation is the moves on a connection and what its ends must see.
type conversation struct {
	moves []Move
	seen  [][]string // when the connection begins, and then after each move
}

// sightPrefix starts a line that says what an end sees.
const sightPrefix = "> "

var sight = regexp.MustCompile(`^(~.*|backend connected|(client|backend) (got ".*"|got \d+ bytes|sees the (end|reset)))$`)

func parseConversation(s passage, p *problems) *conversation {
	c := &conversation{seen: make([][]string, 1)}
	for i, line := range lines(s.text) {
		seen, ok := strings.CutPrefix(line, sightPrefix)
		if !ok {
			c.moves = append(c.moves, parseMove(line, s.line+i, p))
			c.seen = append(c.seen, nil)
			continue
		}
		if !sight.MatchString(seen) {
			p.addf(s.line+i, `%s is not something an end sees: write backend connected; or client or backend, and got "TEXT", got N bytes, sees the end or sees the reset`, quote(seen))
		}
		c.seen[len(c.moves)] = append(c.seen[len(c.moves)], seen)
	}
	return c
}

func parseMove(line string, at int, p *problems) Move {
	who, what, _ := strings.Cut(line, " ")
	m := Move{Who: who, What: what, Text: line}
	switch {
	case who == "wait":
		return Move{Passes: parseDuration(what, maxAdvance, at, p), Text: line}
	case who != ClientEnd && who != BackendEnd || what == "":
		p.addf(at, "%s is not a move: write client or backend and the text it sends, end or reset; or wait DURATION; or %sand what an end sees", quote(line), sightPrefix)
	case what != Ends && what != Resets:
		m.What, m.Data = Sends, []byte(what)
		if strings.HasPrefix(what, `"`) {
			text, err := strconv.Unquote(what)
			if err != nil {
				p.addf(at, "%s is not a quoted text as in Go: close it, or escape what is in it", quote(what))
			}
			m.Data = []byte(text)
		}
	}
	return m
}

// ParseMoves is ParseAnswer for a connection section in which nothing is expected.
func ParseMoves(path string, text []byte, v Vars) ([]Move, error) {
	p := &problems{path: path}
	c := parseConversation(passage{line: 1, text: string(text)}, p)
	if seen := slices.Concat(c.seen...); len(seen) > 0 {
		p.addf(1, "%s%s: only moves are allowed here", sightPrefix, seen[0])
	}
	if err := p.err(); err != nil {
		return nil, err
	}
	x := newExpander(v)
	x.Left = variables.MaxSingle
	moves := x.moves(c.moves)
	return moves, x.Err
}

func (x *expander) moves(in []Move) []Move {
	out := slices.Clone(in)
	for i := range out {
		out[i].Data = []byte(x.Text(string(out[i].Data)))
	}
	return out
}

// networkKeys are the settings that apply to a network filter.
var networkKeys = []string{"network", "vm_id", "vm_config", "workers", "policy", "backoff"}

// checkNetwork holds the rule that a file has either requests or connections.
func (r *reader) checkNetwork() {
	f := r.file
	network, conversed := f.setup.Settings.Network, false
	for _, s := range f.steps {
		talk := s.exchange != nil && s.exchange.asked[0].talk != nil
		switch {
		case talk && !network:
			r.addf(s.line-1, "section connection without network: true: write that in section settings, or write a request")
		case (s.exchange != nil || s.begin != nil) && !talk && network:
			r.addf(s.line-1, "section request with network: true: write a section connection, or remove the setting")
		case s.upstream != nil && network && (s.upstream.Fault != FaultRefuse || conversed):
			r.addf(s.line-1, "section upstream with network: true can only be fault: refuse, before the first connection: write what the backend does in section connection")
		case s.upstream != nil && s.upstream.Fault.Static() && !network:
			r.addf(s.line, "the backend has no fault %s: write one that comes with a connection, such as reset, or a response", s.upstream.Fault)
		}
		conversed = conversed || talk
	}
	if !network {
		return
	}
	for _, key := range f.setup.Settings.given {
		if !slices.Contains(networkKeys, key) {
			r.addf(r.once["settings"], "setting %s applies to HTTP and not with network: true: remove one of them", key)
		}
	}
	for _, p := range f.setup.Plugins {
		r.addf(p.line, "section plugin with network: true: only an HTTP filter can have others beside it, remove one of them")
	}
}

func (r *reader) rehearseConversation(x *expander, a *asked) {
	x.moves(a.talk.moves)
	for _, want := range slices.Concat(a.talk.seen...) {
		if err := pattern.Check(x.Expected(want)); err != nil {
			r.addf(a.line, "%v", err)
		}
	}
	r.drain(x, a.line)
}

// play sends the request or plays the conversation.
func (a *asked) play(ctx context.Context, inst Instance, x *expander) (Result, error) {
	if a.talk == nil {
		result, err := inst.Do(ctx, x.request(a.Request))
		if err != nil {
			err = fmt.Errorf("do request: %w", err)
		}
		return result, err
	}
	able, ok := inst.(ConnectionInstance)
	if !ok {
		return Result{}, errors.New("the driver plays no connections")
	}
	result, err := able.Converse(ctx, x.moves(a.talk.moves))
	if err == nil && len(result.Ends) != len(a.talk.seen) {
		err = fmt.Errorf("the driver reported %d times what the ends saw, want %d", len(result.Ends), len(a.talk.seen))
	}
	return result, err
}

// compareConversation keeps the lines that are right for Update.
func compareConversation(e *exchange, s seen, x *expander) finding {
	d, talk, rewritten := &delta.Delta{}, e.asked[0].talk, ""
	for i, got := range s.Ends {
		if i > 0 {
			d.Same(talk.moves[i-1].Text)
			rewritten += talk.moves[i-1].Text + "\n"
		}
		left := slices.Clone(talk.seen[i])
		for _, line := range got {
			text := writableTarget(line)
			at := slices.IndexFunc(left, func(want string) bool { return pattern.Matches(x.Expected(want), line) })
			if at < 0 {
				d.Extra(sightPrefix + line)
			} else {
				d.Same(sightPrefix + line)
				text = left[at]
				left = slices.Delete(left, at, at+1)
			}
			rewritten += sightPrefix + text + "\n"
		}
		for _, want := range left {
			d.Missing(sightPrefix + x.Expected(want))
		}
	}
	return finding{section: "connection", line: e.line, index: e.index, delta: d, seen: rewritten, rewritable: true}
}
