package hostsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/envoy/tcp"
)

// Conversation is what a client says over one TCP connection, and who answers.
type Conversation struct {
	// Say is sent piece by piece: the backend's answer to one piece comes before the next piece, unless the plugin holds
	// it. After the last piece the client half-closes.
	Say [][]byte
	// Backend answers the data that reaches it; nil never answers. The backend closes once it has seen the client's end.
	Backend func(data []byte) []byte
	// Refuse: the backend refuses connections.
	Refuse bool
	// Worker takes the connection, counted from 0.
	Worker int
	Info   StreamInfo
}

// Conversed is the outcome of a Conversation.
type Conversed struct {
	// ToBackend and ToClient are all bytes that arrived.
	ToBackend, ToClient []byte
	// Connected: the connection to the backend was made. Complete: the backend has seen the client's end, and the client
	// the backend's.
	Connected, Complete bool
	Log                 []LogLine
	Trace               []TraceEntry
	FilterState         map[string][]byte
	Elapsed             time.Duration
}

// DoTCP plays a whole connection through the plugin as a network filter, with tcp_proxy behind it, until it is closed. On
// a fake clock it moves the clock as far as that takes: a connection that is held for good is closed by tcp_proxy's
// idle timeout after a virtual hour once the backend is connected; before that nothing closes it, and the error says
// so. A connection that the plugin closes is not an error.
func (h *Host) DoTCP(ctx context.Context, t Conversation) (Conversed, error) {
	h.process.envoy.Loop.BeginTurn()
	defer h.process.envoy.Loop.EndTurn()
	began, logs, traces := h.process.envoy.Clock.Now(), h.listener.Logs.End(), h.listener.Traces.End()
	c, err := tcp.NewConnection(h.listener, t.Worker, t.Info)
	if err != nil {
		return Conversed{}, err
	}
	p := &conversing{asked: t, conn: c}
	err = p.play(ctx)
	if err != nil {
		err = fmt.Errorf("conversation: %w", err)
		_ = c.Close() // it may be over
	}
	p.seen.Complete = p.backendDone && p.clientDone
	p.seen.Log, p.seen.Trace, p.seen.FilterState = h.listener.Logs.From(logs), h.listener.Traces.From(traces), c.FilterState()
	p.seen.Elapsed = h.process.envoy.Clock.Now().Sub(began)
	return p.seen, err
}

// conversing is the client and the backend of one Connection.
type conversing struct {
	asked                   Conversation
	conn                    *tcp.Connection
	seen                    Conversed
	backendDone, clientDone bool // each has seen the other's end
}

func (p *conversing) play(ctx context.Context) error {
	for i, piece := range p.asked.Say {
		p.pump()
		if p.conn.ClientData(piece, i == len(p.asked.Say)-1) != nil {
			break // it is over
		}
	}
	if len(p.asked.Say) == 0 {
		_ = p.conn.ClientData(nil, true) // the only error is that it is over
	}
	for {
		next, err := p.conn.Next(ctx, true)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p.handle(next)
	}
}

func (p *conversing) pump() {
	for {
		next, ok := p.conn.Poll()
		if !ok {
			return
		}
		p.handle(next)
	}
}

// handle plays the network. A connection that is over takes no more; that is not an error.
func (p *conversing) handle(happened event.Event) {
	switch happened.Kind {
	case event.UpstreamConnect:
		if p.asked.Refuse {
			_ = p.conn.ConnectFailed()
			return
		}
		p.seen.Connected = true
		_ = p.conn.Connected()
	case event.ToUpstreamData:
		p.seen.ToBackend = append(p.seen.ToBackend, happened.Data...)
		p.backendDone = happened.End
		var answer []byte
		if p.asked.Backend != nil && len(happened.Data) > 0 {
			answer = p.asked.Backend(happened.Data)
		}
		if len(answer) > 0 || happened.End {
			_ = p.conn.BackendData(answer, happened.End)
		}
	case event.ToClientData:
		p.seen.ToClient = append(p.seen.ToClient, happened.Data...)
		p.clientDone = happened.End
	}
}
