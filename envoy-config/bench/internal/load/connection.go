package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// connection is one over which requests are sent in turn. Its socket never blocks.
type connection struct {
	file *os.File // keeps fd open
	fd   int
	due  time.Duration // when the waiting request was due, from the start of the run
	busy bool
	got  []byte // of the answer
}

type connections []*connection

// maxAnswer bounds an answer.
const maxAnswer = 1 << 20

func dial(ctx context.Context, address string, n int) (all connections, err error) {
	defer func() {
		if err != nil {
			all.close()
		}
	}()
	for range n {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return all, fmt.Errorf("connect for a paced run: %w", err)
		}
		file, err := c.(*net.TCPConn).File()
		err = errors.Join(err, c.Close()) // file is a duplicate
		if err != nil {
			return all, fmt.Errorf("connect for a paced run: %w", err)
		}
		made := &connection{file: file, fd: int(file.Fd())} // Fd makes it block
		all = append(all, made)
		if made.fd >= unix.FD_SETSIZE {
			return all, errors.New("connect for a paced run: too many files are open")
		}
		if err := unix.SetNonblock(made.fd, true); err != nil {
			return all, fmt.Errorf("connect for a paced run: %w", err)
		}
	}
	return all, nil
}

func (all connections) close() {
	for _, c := range all {
		_ = c.file.Close()
	}
}

// ready waits until something has arrived, or for that long, and returns the
// connections on which it has.
func (all connections) ready(wait time.Duration) (ready []*connection, err error) {
	var asked unix.FdSet
	last := 0
	for _, c := range all {
		if c.busy {
			asked.Set(c.fd)
			last = max(last, c.fd)
		}
	}
	timeout := unix.NsecToTimeval(max(int64(wait), 0))
	if _, err := unix.Select(last+1, &asked, nil, nil, &timeout); err != nil {
		if errors.Is(err, unix.EINTR) {
			return nil, nil
		}
		return nil, fmt.Errorf("wait for answers: %w", err)
	}
	for _, c := range all {
		if c.busy && asked.IsSet(c.fd) {
			ready = append(ready, c)
		}
	}
	return ready, nil
}

// send sends a request, which fits into the socket's buffer.
func (c *connection) send(text []byte, due time.Duration) error {
	n, err := unix.Write(c.fd, text)
	if err != nil || n < len(text) {
		return fmt.Errorf("send a request: %d of %d bytes: %w", n, len(text), err)
	}
	c.due, c.busy, c.got = due, true, c.got[:0]
	return nil
}

// receive takes what has arrived; whole means that the answer is complete.
func (c *connection) receive() (status int, whole bool, err error) {
	var room [16 << 10]byte
	n, err := unix.Read(c.fd, room[:])
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return 0, false, nil
	case err != nil:
		return 0, false, fmt.Errorf("read an answer: %w", err)
	case n == 0:
		return 0, false, fmt.Errorf("read an answer: %w", io.ErrUnexpectedEOF)
	}
	c.got = append(c.got, room[:n]...)
	if status, whole, err = readAnswer(c.got); err != nil {
		return 0, false, err
	}
	c.busy = !whole
	return status, whole, nil
}

// readAnswer reads the beginning of an answer, which must have a content-length
// or be one without a body.
func readAnswer(got []byte) (status int, whole bool, err error) {
	head, body, ok := bytes.Cut(got, []byte("\r\n\r\n"))
	if !ok {
		if len(got) > maxAnswer {
			return 0, false, errors.New("read an answer: its head has no end")
		}
		return 0, false, nil
	}
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	words := bytes.Fields(line)
	if len(words) < 2 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, false, fmt.Errorf("read an answer: not a status line: %.40q", line)
	}
	if status, err = strconv.Atoi(string(words[1])); err != nil {
		return 0, false, fmt.Errorf("read an answer: %w", err)
	}
	size := 0
	for field := range bytes.SplitSeq(fields, []byte("\r\n")) {
		name, value, _ := bytes.Cut(field, []byte(":"))
		switch http.CanonicalHeaderKey(string(name)) {
		case "Content-Length":
			if size, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || size < 0 || size > maxAnswer {
				return 0, false, fmt.Errorf("read an answer: content-length %.20q", value)
			}
		case "Transfer-Encoding":
			return 0, false, errors.New("read an answer: it has no content-length")
		}
	}
	return status, len(body) >= size, nil
}
