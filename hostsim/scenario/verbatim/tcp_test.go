package verbatim

import (
	"bufio"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

func dial(t *testing.T, s *Listener) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

func TestListener(t *testing.T) {
	for name, tt := range map[string]struct {
		serve func(net.Conn)
		want  string
		err   error
	}{
		"speaks and ends":   {func(c net.Conn) { _, _ = io.WriteString(c, "hello") }, "hello", nil},
		"speaks no HTTP":    {SpeakNoHTTP, NotHTTP, nil},
		"breaks with a RST": {func(c net.Conn) { _, _ = bufio.NewReader(c).ReadByte(); Reset(c) }, "", syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Listen(tt.serve)
			if err != nil {
				t.Fatal(err)
			}
			conn := dial(t, s)
			_, _ = io.WriteString(conn, "x")
			got, err := io.ReadAll(conn)
			if string(got) != tt.want || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCloseEndsWhatWaits: a connection on which nothing moves does not keep a server.
func TestCloseEndsWhatWaits(t *testing.T) {
	served := make(chan struct{})
	s, err := Listen(func(c net.Conn) {
		close(served)
		AwaitPeer(bufio.NewReader(c))
	})
	if err != nil {
		t.Fatal(err)
	}
	conn := dial(t, s)
	<-served
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %v", err)
	}
}
