package scenario

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Fault is a way in which a cluster fails. The empty Fault is none.
type Fault string

// The faults, each with what the cluster's server does.
const (
	FaultRefuse       Fault = "refuse"         // nothing listens on the port
	FaultTimeout      Fault = "timeout"        // reads the request, never answers
	FaultReset        Fault = "reset"          // reads the request, resets the connection
	FaultResetMidBody Fault = "reset_mid_body" // sends the head and half of the body, then resets
	// FaultTimeoutMidBody sends the head and half of the body, and no more.
	FaultTimeoutMidBody Fault = "timeout_mid_body"
	FaultNoEndpoints    Fault = "no_endpoints" // the cluster is defined and has no host
	FaultUnknown        Fault = "unknown"      // the cluster is not defined
	FaultNotHTTP        Fault = "not_http"     // answers bytes that are not HTTP
	FaultOversize       Fault = "oversize"     // answers 200 with a body of Size bytes
	FaultSlow           Fault = "slow"         // answers Response after Delay
)

// Bounds of the faults' arguments: a body above Envoy's own limit of 32 MiB for
// a callout must be possible, and no scenario may wait for minutes.
const (
	maxOversize = 64 << 20
	maxDelay    = 30 * time.Second
)

// Static reports whether the fault belongs to the cluster's definition, so that
// it holds for a whole scenario and no request is ever read.
func (f Fault) Static() bool {
	return f == FaultRefuse || f == FaultNoEndpoints || f == FaultUnknown
}

// Answer is how a cluster or the backend answers.
type Answer struct {
	Fault Fault
	// Size is the length of the body for FaultOversize.
	Size int
	// Delay is how long the server waits before it answers, or fails.
	Delay time.Duration
	// Response is the answer without a fault and with FaultSlow, and what
	// FaultResetMidBody starts to send. Its status is 0 when the file has none.
	Response Response
	// GRPC: the cluster's server speaks HTTP/2, and OnWire has the Messages in
	// Response's body and gRPC's status among its trailers.
	GRPC     bool
	Messages [][]byte
}

// OnWire is the whole response that a server with this answer would send, or
// start to send. It has status 0 for faults that send none.
func (a Answer) OnWire() Response {
	if a.GRPC {
		return a.grpcOnWire()
	}
	json := []Header{{"content-type", "application/json"}}
	switch {
	case a.Fault == FaultOversize:
		return Response{Status: 200, Headers: json, Body: bytes.Repeat([]byte{'x'}, a.Size)}
	case (a.Fault == FaultResetMidBody || a.Fault == FaultTimeoutMidBody) && a.Response.Status == 0:
		return Response{Status: 200, Headers: json, Body: []byte(`{"active":true,"client_id":"cut"}`)}
	}
	return a.Response
}

// DefaultClusterAnswer is the answer of a cluster that a file names and gives no
// answer. It is a server that answers, so that a call to it is seen, and it
// answers badly, so that a scenario that needs the call fails.
func DefaultClusterAnswer() Answer {
	return Answer{Response: Response{
		Status:  500,
		Headers: []Header{{"content-type", "text/plain"}},
		Body:    []byte("scenario: this cluster has no answer"),
	}}
}

// DefaultUpstream is the backend's answer where the file gives none.
func DefaultUpstream() Answer {
	return Answer{Response: Response{
		Status:  200,
		Headers: []Header{{"content-type", "text/plain"}},
		Body:    []byte("backend"),
	}}
}

const faultPrefix = "fault:"

// parseAnswer reads a cluster section: an answer's text, or a line "fault: WORD"
// which for slow and the *_mid_body may be followed by an answer's text.
func parseAnswer(s passage, p *problems) Answer {
	first, rest, _ := strings.Cut(s.text, "\n")
	spec, isFault := strings.CutPrefix(first, faultPrefix)
	if !isFault {
		var a Answer
		a.parseText(s, p)
		return a
	}
	words := strings.Fields(spec)
	if len(words) == 0 {
		p.addf(s.line, "fault line has no word: write one of %s", faultWords)
		return Answer{}
	}
	a := Answer{Fault: Fault(words[0])}
	after := passage{line: s.line + 1, text: rest}
	takesText := false
	switch a.Fault {
	case FaultRefuse, FaultTimeout, FaultReset, FaultNoEndpoints, FaultUnknown, FaultNotHTTP:
		wantArguments(words, 0, s.line, p)
	case FaultResetMidBody, FaultTimeoutMidBody:
		wantArguments(words, 0, s.line, p)
		takesText = true
		if rest != "" {
			a.parseText(after, p)
		}
	case FaultOversize:
		a.Size = parseSize(words, s.line, p)
	case FaultSlow:
		takesText = true
		a.Delay = parseDelay(words, s.line, p)
		a.parseText(after, p)
	default:
		p.addf(s.line, "unknown fault %s: write one of %s", quote(words[0]), faultWords)
		return Answer{}
	}
	if !takesText && strings.TrimSpace(rest) != "" {
		p.addf(s.line+1, "text after fault %s: remove it", a.Fault)
	}
	return a
}

const faultWords = "refuse, timeout, reset, reset_mid_body, timeout_mid_body, no_endpoints, unknown, not_http, oversize BYTES, slow DURATION"

func wantArguments(words []string, n, line int, p *problems) bool {
	if len(words) == n+1 {
		return true
	}
	p.addf(line, "fault %s has %d arguments, and takes %d", words[0], len(words)-1, n)
	return false
}

func parseSize(words []string, line int, p *problems) int {
	if !wantArguments(words, 1, line, p) {
		return 0
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n < 1 || n > maxOversize {
		p.addf(line, "size %s is not a number of bytes from 1 to %d", quote(words[1]), maxOversize)
		return 0
	}
	return n
}

func parseDelay(words []string, line int, p *problems) time.Duration {
	if !wantArguments(words, 1, line, p) {
		return 0
	}
	return parseDuration(words[1], maxDelay, line, p)
}

func parseDuration(s string, most time.Duration, line int, p *problems) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > most {
		p.addf(line, "duration %s is not between 0 and %v: write a number with a unit, such as 1.5s", quote(s), most)
		return 0
	}
	return d
}
