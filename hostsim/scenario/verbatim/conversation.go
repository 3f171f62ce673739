package verbatim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// Settling is how long a proxy is left alone where no number tells that it has done what there was to do; moveSettling is
// the time that it has to pass on a move.
const (
	Settling     = 50 * time.Millisecond
	moveSettling = 150 * time.Millisecond
)

// Backend is a TCP server for one conversation at a time.
type Backend struct {
	*Listener
	now atomic.Pointer[end]
}

// NewBackend listens; Close ends it.
func NewBackend() (*Backend, error) {
	b := &Backend{}
	b.begin()
	var err error
	b.Listener, err = Listen(b.serve)
	return b, err
}

func (b *Backend) serve(conn net.Conn) {
	e := b.now.Load()
	e.conn.Store(conn.(*net.TCPConn))
	e.Saw(scenario.Connected)
	e.listen()
	select { // the other direction may still be open
	case <-e.over:
	case <-b.Done():
	}
}

// begin starts a conversation. A backend that is nil will see nothing of it.
func (b *Backend) begin() *end {
	e := &end{over: make(chan struct{})}
	if b != nil {
		b.now.Store(e)
	}
	return e
}

// end is one end of a real connection.
type end struct {
	scenario.End
	conn atomic.Pointer[net.TCPConn] // nil for a backend that nobody has connected to
	over chan struct{}               // closed when the conversation is over
}

// listen reads a connection to its end.
func (e *end) listen() {
	conn, buffer := e.conn.Load(), make([]byte, 64<<10)
	for {
		n, err := conn.Read(buffer)
		e.Got(buffer[:n])
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			e.Saw(scenario.Ends)
		case !errors.Is(err, net.ErrClosed):
			e.Saw(scenario.Resets)
		}
		return
	}
}

// do makes a move, unless the connection is gone.
func (e *end) do(what string, data []byte) {
	tcp := e.conn.Load()
	if tcp == nil {
		return
	}
	switch what {
	case scenario.Sends:
		_, _ = tcp.Write(data)
	case scenario.Ends:
		_ = tcp.CloseWrite()
	case scenario.Resets:
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	case leaves:
		_ = tcp.Close()
	}
}

// leaves closes the connection in order.
const leaves = "leave"

// Converse plays moves on a connection to address, which leads to the backend; nil for one that refuses. It returns
// what both ends saw: see scenario.Converse.
func Converse(ctx context.Context, address string, b *Backend, moves []scenario.Move) ([][]string, error) {
	backend := b.begin()
	defer close(backend.over)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	client := &end{}
	client.conn.Store(conn.(*net.TCPConn))
	var listening sync.WaitGroup
	listening.Go(client.listen)
	leave := func() { client.do(leaves, nil); listening.Wait(); backend.do(leaves, nil) }
	stop := context.AfterFunc(ctx, leave) // a move may wait for a reader
	defer stop()
	seen := scenario.Converse(moves, &client.End, &backend.End, func(m scenario.Move) {
		switch m.Who {
		case scenario.ClientEnd:
			client.do(m.What, m.Data)
		case scenario.BackendEnd:
			backend.do(m.What, m.Data)
		default:
			time.Sleep(m.Passes)
		}
	}, func() { time.Sleep(moveSettling) })
	leave()
	time.Sleep(Settling)
	return seen, ctx.Err()
}
