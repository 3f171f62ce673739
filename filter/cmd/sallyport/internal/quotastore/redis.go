// Package quotastore reads and removes the counts of quotas that envoyproxy/ratelimit keeps in Redis. It speaks the
// little of RESP 2 that this takes (redis.io/docs/reference/protocol-spec); for TLS or a cluster there is redis-cli.
package quotastore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a server may answer, which may not be Redis.
const (
	timeout   = 10 * time.Second
	maxBulk   = 64 << 10
	maxItems  = 100_000
	scanCount = "1000"
)

// Redis is a connection to one server.
type Redis struct {
	conn net.Conn
	in   *bufio.Reader
}

// Open connects, and authenticates when there is a password.
func Open(ctx context.Context, address, password string) (*Redis, error) {
	d := net.Dialer{Timeout: timeout}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect to Redis: %w", err)
	}
	r := &Redis{conn: conn, in: bufio.NewReader(conn)}
	if password == "" {
		return r, nil
	}
	if _, err := r.do("AUTH", password); err != nil {
		conn.Close()
		return nil, errors.New("authenticate with Redis: it refused the password")
	}
	return r, nil
}

// Close ends the connection.
func (r *Redis) Close() error { return r.conn.Close() }

// Keys lists those that match a pattern, each once.
func (r *Redis) Keys(pattern string) ([]string, error) {
	seen, keys := map[string]bool{}, []string(nil)
	for cursor := "0"; ; {
		answer, err := r.do("SCAN", cursor, "MATCH", pattern, "COUNT", scanCount)
		if err != nil {
			return nil, err
		}
		pair, ok := answer.([]any)
		if !ok || len(pair) != 2 {
			return nil, errors.New("read from Redis: unexpected answer to SCAN")
		}
		page, _ := pair[1].([]any)
		for _, k := range page {
			if key, ok := k.(string); ok && !seen[key] && len(keys) < maxItems {
				seen[key] = true
				keys = append(keys, key)
			}
		}
		if cursor, ok = pair[0].(string); !ok || cursor == "0" {
			return keys, nil
		}
	}
}

// Count is the value of a key, 0 when it has gone.
func (r *Redis) Count(key string) (int64, error) {
	answer, err := r.do("GET", key)
	if err != nil {
		return 0, err
	}
	text, _ := answer.(string)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errors.New("read from Redis: a count is not a number")
	}
	return n, nil
}

// Remove removes a key.
func (r *Redis) Remove(key string) error {
	_, err := r.do("DEL", key)
	return err
}

func (r *Redis) do(words ...string) (any, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	if err := r.conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, fmt.Errorf("ask Redis: %w", err)
	}
	if _, err := io.WriteString(r.conn, b.String()); err != nil {
		return nil, fmt.Errorf("ask Redis: %w", err)
	}
	answer, err := r.read(0)
	if err != nil {
		return nil, fmt.Errorf("read from Redis: %w", err)
	}
	return answer, nil
}

var errAnswer = errors.New("not a Redis answer")

// read reads one value: a string, an int64, a list, or nil.
func (r *Redis) read(depth int) (any, error) {
	line, err := r.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || text == "" {
		return nil, errAnswer
	}
	kind, rest := text[0], text[1:]
	if kind == '+' {
		return rest, nil
	}
	if kind == '-' {
		return nil, fmt.Errorf("it says %q", rest)
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return nil, errAnswer
	}
	switch {
	case kind == ':':
		return int64(n), nil
	case n < 0:
		return nil, nil
	case kind == '$' && n <= maxBulk:
		b := make([]byte, n+2)
		if _, err := io.ReadFull(r.in, b); err != nil {
			return nil, err
		}
		return string(b[:n]), nil
	case kind == '*' && n <= maxItems && depth < 2:
		var list []any
		for range n {
			item, err := r.read(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	}
	return nil, errAnswer
}
