package fidelity

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// tcpSettling is how long a move on a connection may take to be seen at the other end.
const tcpSettling = 150 * time.Millisecond

// tcpBackend takes one connection at a time.
type tcpBackend struct {
	listener net.Listener
	done     sync.WaitGroup
	mu       sync.Mutex
	peer     *peer
	conn     net.Conn
}

func newTCPBackend(ctx context.Context) (*tcpBackend, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a backend: %w", err)
	}
	b := &tcpBackend{listener: listener, peer: &peer{}}
	b.done.Go(b.accept)
	return b, nil
}

func (b *tcpBackend) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return // closed
		}
		b.mu.Lock()
		b.conn = conn
		p := b.peer
		b.mu.Unlock()
		p.happened("connected")
		b.done.Go(func() { p.listen(conn) })
	}
}

// begin is before a new conversation.
func (b *tcpBackend) begin() *peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peer, b.conn = &peer{}, nil
	return b.peer
}

func (b *tcpBackend) current() net.Conn {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.conn
}

func (b *tcpBackend) close() error {
	err := b.listener.Close()
	if conn := b.current(); conn != nil {
		_ = conn.Close() // the case is over
	}
	b.done.Wait()
	return err
}

// converse plays a conversation on a real Envoy.
func (r *real) converse(ctx context.Context, asked *Conversation, name string) error {
	address, err := r.envoy.process.Listener(ctx, r.c.listener(""))
	if err != nil {
		return err
	}
	backend, backendConn := &peer{}, func() net.Conn { return nil }
	if r.tcp != nil {
		backend, backendConn = r.tcp.begin(), r.tcp.current
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	client := &peer{}
	var listening sync.WaitGroup
	listening.Go(func() { client.listen(conn) })
	tell := func(what string) {
		time.Sleep(tcpSettling)
		r.seen.events = append(r.seen.events, "connection "+name+": "+what+client.news("client")+backend.news("backend"))
	}
	tell("connect")
	for _, m := range asked.Moves {
		switch m.Who {
		case "client":
			m.do(conn)
		case "backend":
			m.do(backendConn())
		default:
			time.Sleep(m.Passes)
		}
		tell(m.text)
	}
	_ = conn.Close() // the conversation is over
	listening.Wait()
	if b := backendConn(); b != nil {
		_ = b.Close() // likewise
	}
	time.Sleep(settling)
	return nil
}
