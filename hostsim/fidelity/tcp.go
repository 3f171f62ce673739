package fidelity

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Conversation is what happens on one TCP connection through a network filter, move after move.
type Conversation struct {
	Name  string
	Moves []Move
}

// Move is one thing that the client or the backend does, or, without either, time that passes.
type Move struct {
	Who    string // client or backend
	What   string // send, end (half-close) or reset
	Data   []byte
	Passes time.Duration
	text   string
}

// parseConversation reads one move a line: "client TEXT", "client end", "backend reset", "wait 200ms". In TEXT \n is a newline.
func parseConversation(name, text string) (*Conversation, error) {
	c := &Conversation{Name: name}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		who, rest, _ := strings.Cut(line, " ")
		m := Move{Who: who, What: rest, text: line}
		switch {
		case who == "wait":
			d, err := time.ParseDuration(rest)
			if err != nil || d <= 0 || d > 3*time.Second {
				return nil, fmt.Errorf("%q is not a duration up to 3s", rest)
			}
			m = Move{Passes: d, text: line}
		case who != "client" && who != "backend" || rest == "":
			return nil, fmt.Errorf("%q: write client or backend and what it sends, or end, or reset; or wait DURATION", line)
		case rest != "end" && rest != "reset":
			data, err := scenario.Vars{}.Text(strings.ReplaceAll(rest, `\n`, "\n"))
			if err != nil {
				return nil, err
			}
			m.What, m.Data = "send", []byte(data)
		}
		c.Moves = append(c.Moves, m)
	}
	return c, nil
}

// peer is one end's view of a connection: what it got and how it ended. It is used by both hosts.
type peer struct {
	mu   sync.Mutex
	got  []byte
	ends []string // "connected", "end", "reset"
	told int      // of ends
}

func (p *peer) add(data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, data...)
}

func (p *peer) happened(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends = append(p.ends, what)
}

// news is what has come since the last time.
func (p *peer) news(who string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out strings.Builder
	for _, end := range p.ends[p.told:] {
		if end == "connected" {
			out.WriteString("; " + who + " " + end)
		}
	}
	switch {
	case len(p.got) > maxShownBody:
		fmt.Fprintf(&out, "; %s got %d bytes", who, len(p.got))
	case len(p.got) > 0:
		fmt.Fprintf(&out, "; %s got %q", who, p.got)
	}
	for _, end := range p.ends[p.told:] {
		if end != "connected" {
			out.WriteString("; " + who + " sees the " + end)
		}
	}
	p.got, p.told = nil, len(p.ends)
	return out.String()
}

// listen reads a real connection to its end.
func (p *peer) listen(conn net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		p.add(buffer[:n])
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, io.EOF):
			p.happened("end")
			return
		case err != nil:
			p.happened("reset")
			return
		}
	}
}

// do makes a move on a real connection. What the other side has closed already cannot fail the case.
func (m *Move) do(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return // the backend was not connected to
	}
	switch m.What {
	case "send":
		_, _ = tcp.Write(m.Data)
	case "end":
		_ = tcp.CloseWrite()
	case "reset":
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
}
