package fidelity

import (
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/event"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// simulatedConversation is one on the simulated host: it is the network.
type simulatedConversation struct {
	s               *simulation
	conn            *hostsim.Connection
	client, backend *peer
	// clientGone and backendGone: this end has reset or left, and hears no more.
	clientGone, backendGone bool
}

// converse plays a conversation on the simulated host.
func (s *simulation) converse(asked *Conversation, name string) error {
	conn, err := s.hosts[""].NewConnection(0, hostsim.StreamInfo{ClusterName: backendName, UpstreamAddr: "127.0.0.1:20000"})
	if err != nil {
		return err
	}
	c := &simulatedConversation{s: s, conn: conn, client: &peer{}, backend: &peer{}}
	tell := func(what string) {
		c.pump()
		s.process.Advance(tcpSettling)
		c.pump()
		s.seen.events = append(s.seen.events, "connection "+name+": "+what+c.client.news("client")+c.backend.news("backend"))
	}
	tell("connect")
	for _, m := range asked.Moves {
		c.move(m)
		tell(m.text)
	}
	// Both ends close what is still open.
	_ = conn.ClientData(nil, true)
	c.clientGone = true
	c.pump()
	_ = conn.BackendData(nil, true)
	c.backendGone = true
	c.pump()
	s.process.Advance(settling)
	return nil
}

// move feeds a move; what is over takes no more.
func (c *simulatedConversation) move(m Move) {
	switch m.Who + " " + m.What {
	case "client send", "client end":
		_ = c.conn.ClientData(m.Data, m.What == "end")
	case "client reset":
		c.clientGone = true
		_ = c.conn.ClientReset()
	case "backend send", "backend end":
		_ = c.conn.BackendData(m.Data, m.What == "end")
	case "backend reset":
		c.backendGone = true
		_ = c.conn.BackendReset()
	default:
		c.s.process.Advance(m.Passes)
	}
}

// pump does what the connection asks for.
func (c *simulatedConversation) pump() {
	for {
		e, ok := c.conn.Poll()
		if !ok {
			return
		}
		switch e.Kind {
		case event.UpstreamConnect:
			if c.s.c.Upstream.Fault == scenario.FaultRefuse {
				_ = c.conn.ConnectFailed()
				continue
			}
			c.backend.happened("connected")
			_ = c.conn.Connected()
		case event.ToUpstreamData:
			tell(c.backend, c.backendGone, e.Data, e.End)
		case event.ToClientData:
			tell(c.client, c.clientGone, e.Data, e.End)
		case event.UpstreamReset:
			closed(c.backend, c.backendGone, e.End)
		case event.ClientReset:
			closed(c.client, c.clientGone, e.End)
		}
	}
}

// tell lets a peer hear; the end it hears once.
func tell(p *peer, gone bool, data []byte, end bool) {
	if gone {
		return
	}
	p.add(data)
	if end && (len(p.ends) == 0 || p.ends[len(p.ends)-1] != "end") {
		p.happened("end")
	}
}

func closed(p *peer, gone, inOrder bool) {
	if inOrder {
		tell(p, gone, nil, true)
	} else if !gone {
		p.happened("reset")
	}
}
