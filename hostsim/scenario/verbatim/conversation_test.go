package verbatim

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
)

// The client is connected to the backend itself: each sees what the other does.
func TestConverse(t *testing.T) {
	b, err := NewBackend()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, moves string
		want        [][]string
	}{
		{"data and ends", "client hello\nbackend hi\nclient end\nbackend last\nbackend end\n", [][]string{
			{"backend connected"}, {`backend got "hello"`}, {`client got "hi"`}, {"backend sees the end"}, {`client got "last"`}, {"client sees the end"}}},
		{"the client resets", "client reset\nbackend lost\n", [][]string{{"backend connected"}, {"backend sees the reset"}, nil}},
		{"the backend resets", "wait 1ms\nbackend reset\nclient lost\n", [][]string{{"backend connected"}, nil, {"client sees the reset"}, nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			moves, err := scenario.ParseMoves("x", []byte(c.moves), scenario.Vars{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := Converse(t.Context(), b.Address(), b, moves)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Errorf("error %v, seen (-want +got):\n%s", err, diff)
			}
		})
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Converse(t.Context(), b.Address(), nil, nil); err == nil {
		t.Error("connected to nobody")
	}
}

// A client that sends to nobody who reads ends with the context.
func TestConverseEnds(t *testing.T) {
	deaf, err := Listen(func(net.Conn) { <-t.Context().Done() })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := deaf.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	moves := []scenario.Move{{Who: scenario.ClientEnd, What: scenario.Sends, Data: make([]byte, 64<<20)}}
	if _, err := Converse(ctx, deaf.Address(), nil, moves); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}
