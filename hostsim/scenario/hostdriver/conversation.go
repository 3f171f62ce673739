package hostdriver

import (
	"context"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// The time that passes after each move and after the end of a connection, as on a real host.
const (
	moveSettling = 150 * time.Millisecond
	endSettling  = 50 * time.Millisecond
)

// Converse plays a conversation: see scenario.ConnectionInstance.
func (in *instance) Converse(_ context.Context, moves []scenario.Move) (scenario.Result, error) {
	in.takeCalls()
	worker, logged := in.next(scenario.Request{}).Worker, len(in.host.Log())
	ends, err := Converse(in.host, worker, hostsim.StreamInfo{}, in.refuses, moves)
	return scenario.Result{Ends: ends, Calls: in.takeCalls(), Log: logLines(in.host.Log()[logged:])}, err
}

// Converse plays moves on a connection through a network filter, to a backend that may refuse it. It returns what both
// ends saw: see scenario.Converse.
func Converse(h *hostsim.Host, worker int, info hostsim.StreamInfo, refuses bool, moves []scenario.Move) ([][]string, error) {
	conn, err := h.NewConnection(worker, info)
	if err != nil {
		return nil, err
	}
	n := &network{conn: conn, refuses: refuses}
	pass := func(d time.Duration) {
		n.pump()
		h.Advance(d)
		n.pump()
	}
	seen := scenario.Converse(moves, &n.client.End, &n.backend.End, func(m scenario.Move) {
		if m.Who == "" {
			h.Advance(m.Passes)
		}
		n.do(m)
	}, func() { pass(moveSettling) })
	// Both ends close what is still open.
	n.client.gone = true
	_ = conn.ClientData(nil, true)
	n.pump()
	n.backend.gone = true
	_ = conn.BackendData(nil, true)
	pass(endSettling)
	return seen, nil
}

// network is what the connection runs over.
type network struct {
	conn            *hostsim.Connection
	refuses         bool
	client, backend end
}

type end struct {
	scenario.End
	gone bool // it has reset or left and hears nothing more
}

// do makes a move, unless the connection is gone.
func (n *network) do(m scenario.Move) {
	switch m.Who + " " + m.What {
	case "client send", "client end":
		_ = n.conn.ClientData(m.Data, m.What == scenario.Ends)
	case "client reset":
		n.client.gone = true
		_ = n.conn.ClientReset()
	case "backend send", "backend end":
		_ = n.conn.BackendData(m.Data, m.What == scenario.Ends)
	case "backend reset":
		n.backend.gone = true
		_ = n.conn.BackendReset()
	}
}

// pump does what the connection asks for.
func (n *network) pump() {
	for {
		e, ok := n.conn.Poll()
		if !ok {
			return
		}
		switch e.Kind {
		case event.UpstreamConnect:
			if n.refuses {
				_ = n.conn.ConnectFailed()
				continue
			}
			n.backend.Saw(scenario.Connected)
			_ = n.conn.Connected()
		case event.ToUpstreamData, event.UpstreamReset:
			n.backend.hear(e)
		case event.ToClientData, event.ClientReset:
			n.client.hear(e)
		}
	}
}

// hear takes data or a reset, which with End is a close in order.
func (n *end) hear(e event.Event) {
	switch {
	case n.gone:
		return
	case e.End:
		n.Got(e.Data)
		n.Saw(scenario.Ends)
	case e.Kind == event.UpstreamReset || e.Kind == event.ClientReset:
		n.Saw(scenario.Resets)
	default:
		n.Got(e.Data)
	}
}
