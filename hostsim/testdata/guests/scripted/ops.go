//go:build wasip1

package main

import (
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"
)

// execution is one event being run.
type execution struct {
	event   string
	context uint32
	args    []uint32
	answer  uint32
}

func status(st uint32) string { return strconv.Itoa(int(st)) }

func number(s string) uint32 { n, _ := strconv.ParseInt(s, 0, 64); return uint32(n) }

func text(s string, st uint32) string {
	if st != 0 {
		return status(st)
	}
	if len(s) > 200 {
		return "0 " + strconv.Itoa(len(s)) + " bytes"
	}
	return "0 " + strconv.Quote(s)
}

func numeric(n uint64, st uint32) string { return status(st) + " " + strconv.FormatUint(n, 10) }

// words splits an operation: op and up to n-1 arguments, the last of which takes the rest.
func words(op string, n int) []string {
	w := strings.SplitN(op, " ", n)
	for len(w) < n {
		w = append(w, "")
	}
	return w
}

// do runs one operation and returns its outcome; "-" logs nothing.
func (e *execution) do(op string) string {
	name, _, _ := strings.Cut(op, " ")
	switch w := words(op, 5); name {
	case "say": // say TEXT
		return ""
	case "pause":
		e.answer = 1
		waiting = e.context
		return "-"
	case "hold": // pause, and remember the stream for each
		e.answer = 1
		held = append(held, e.context)
		return "-"
	case "each": // each OPERATION: on every stream that is held, in this one callback
		e.onHeld(len(held), strings.TrimPrefix(op, "each "))
		return "-"
	case "next": // next OPERATION: on the stream that has been held longest
		e.onHeld(min(1, len(held)), strings.TrimPrefix(op, "next "))
		return "-"
	case "answer": // answer N
		e.answer = number(w[1])
		return "-"
	case "atend": // atend OPERATION: at the end of the stream
		if e.args[len(e.args)-1] == 1 {
			return e.do(strings.TrimPrefix(op, "atend "))
		}
		return "-"
	case "instream": // instream OPERATION: in the context of a stream only
		if parents[e.context] != 0 {
			return e.do(strings.TrimPrefix(op, "instream "))
		}
		return "-"
	case "once": // once OPERATION: the first time only
		if rest := strings.TrimPrefix(op, "once "); !once[rest] {
			once[rest] = true
			return e.do(rest)
		}
		return "-"
	case "panic":
		panic("asked to")
	case "nil":
		var p *execution
		return p.event
	case "alloc": // alloc MIB
		big = append(big, make([]byte, int(number(w[1]))<<20))
		return "-"
	case "sleep": // sleep MS
		time.Sleep(time.Duration(number(w[1])) * time.Millisecond)
		return ""
	case "env": // env NAME
		v, ok := os.LookupEnv(w[1])
		return strconv.FormatBool(ok) + " " + strconv.Quote(v)
	case "now":
		return strconv.FormatInt(time.Now().Unix(), 10)
	}
	for _, group := range []func(string, string) (string, bool){e.headerOp, e.bodyOp, e.streamOp, e.sharedOp, e.metricOp, e.grpcOp, e.otherOp} {
		if result, ok := group(name, op); ok {
			return result
		}
	}
	return "unknown operation"
}

// onHeld does an operation on the first n streams that are held, and does not log the outcome: there may be hundreds.
func (e *execution) onHeld(n int, op string) {
	streams := held[:n]
	held = held[n:]
	for _, id := range streams {
		if abi.SetEffectiveContext(id) == 0 {
			e.do(op)
		}
	}
}

var (
	held []uint32 // the streams that wait for each
	big  [][]byte
	once = map[string]bool{}
)

func (e *execution) headerOp(name, op string) (string, bool) {
	w := words(op, 4)
	m := number(w[1])
	switch name {
	case "get": // get MAP KEY
		return text(abi.Header(m, w[2])), true
	case "set": // set MAP KEY VALUE
		return status(abi.ReplaceHeader(m, w[2], unescape(w[3]))), true
	case "add": // add MAP KEY VALUE
		return status(abi.AddHeader(m, w[2], unescape(w[3]))), true
	case "remove": // remove MAP KEY
		return status(abi.RemoveHeader(m, w[2])), true
	case "pairs": // pairs MAP
		raw, st := abi.RawPairs(m)
		return status(st) + " " + strings.Join(abi.SplitPairs(raw), "|"), true
	case "setpairs": // setpairs MAP k=v,k=v
		return status(abi.SetRawPairs(m, abi.Pairs(list(w[2])...))), true
	case "setbadpairs": // setbadpairs MAP
		return status(abi.SetRawPairs(m, []byte("\x01\x00\x00\x00junk"))), true
	case "mapsize": // mapsize MAP
		n, st := abi.MapSize(m)
		return numeric(uint64(n), st), true
	}
	return "", false
}

// list is the names and values of "k=v,k=v" in turn.
func list(s string) []string {
	var kv []string
	for pair := range strings.SplitSeq(s, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			kv = append(kv, k, v)
		}
	}
	return kv
}

func unescape(s string) string {
	return strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\0`, "\x00").Replace(s)
}

func (e *execution) bodyOp(name, op string) (string, bool) {
	w := words(op, 5)
	b := number(w[1])
	switch name {
	case "body": // body BUFFER START LENGTH
		return text(abi.Buffer(b, number(w[2]), number(w[3]))), true
	case "setbody": // setbody BUFFER START LENGTH DATA
		return status(abi.SetBuffer(b, number(w[2]), number(w[3]), w[4])), true
	case "bodystatus": // bodystatus BUFFER
		n, flags, st := abi.BufferStatus(b)
		return status(st) + " " + strconv.Itoa(int(n)) + " " + strconv.Itoa(int(flags)), true
	case "pauseuntilend": // Pause until the end of the stream is here
		if e.args[len(e.args)-1] == 0 {
			e.answer = 1
		}
		return "-", true
	}
	return "", false
}

func (e *execution) streamOp(name, op string) (string, bool) {
	switch w := words(op, 4); name {
	case "reply": // reply CODE HEADERS BODY; HEADERS is k=v,k=v or -
		return status(abi.Reply(number(w[1]), "scripted reply", w[3], abi.Pairs(list(w[2])...), -1)), true
	case "replybare": // replybare CODE BODY: without details and headers
		return status(abi.Reply(number(w[1]), "", w[2], abi.Pairs(), -1)), true
	case "continue": // continue STREAM
		return status(abi.ContinueStream(number(w[1]))), true
	case "close": // close STREAM
		return status(abi.CloseStream(number(w[1]))), true
	case "effective": // effective [ID]: the waiting stream unless given
		id := waiting
		if w[1] != "" {
			id = number(w[1])
		}
		return status(abi.SetEffectiveContext(id)), true
	case "call": // call CLUSTER MS BODY
		return e.call(w[1], w[2], w[3], ":method", "POST", ":path", "/call", ":authority", "auth", ":scheme", "http"), true
	case "grpccall": // grpccall CLUSTER MS
		return e.call(w[1], w[2], "x", ":method", "POST", ":path", "/s/m", ":authority", "auth", "content-type", "application/grpc"), true
	case "callwith": // callwith HEADER VALUE CLUSTER MS: without a body, with one header more
		rest := words(w[3], 2)
		return e.call(rest[0], rest[1], "", ":method", "POST", ":path", "/call", ":authority", "auth", w[1], w[2]), true
	case "callwithout": // callwithout HEADER CLUSTER
		kv := []string{":method", "POST", ":path", "/call", ":authority", "auth"}
		for i := 0; i < len(kv); i += 2 {
			if kv[i] == w[1] {
				kv = append(kv[:i:i], kv[i+2:]...)
				break
			}
		}
		return e.call(w[2], "1000", "", kv...), true
	}
	return "", false
}

func (e *execution) call(cluster, ms, body string, kv ...string) string {
	timeout, _ := strconv.Atoi(ms)
	id, st := abi.HTTPCall(cluster, abi.Pairs(kv...), body, nil, int32(timeout))
	e.keepWaiting()
	return numeric(uint64(id), st)
}

// keepWaiting notes a stream that waits for what it has just asked for.
func (e *execution) keepWaiting() {
	if parents[e.context] != 0 {
		waiting = e.context
	}
}

func (e *execution) metricOp(name, op string) (string, bool) {
	w := words(op, 3)
	id, ok := metrics[w[1]]
	if !ok {
		id = number(w[1])
	}
	by, _ := strconv.ParseInt(w[2], 10, 64)
	switch name {
	case "metric": // metric NAME KIND
		id, st := abi.DefineMetric(number(w[2]), w[1])
		metrics[w[1]] = id
		return numeric(uint64(id), st), true
	case "increment": // increment NAME|ID BY
		return status(abi.IncrementMetric(id, by)), true
	case "record": // record NAME|ID VALUE
		return status(abi.RecordMetric(id, by)), true
	case "metricget": // metricget NAME|ID
		v, st := abi.Metric(id)
		return numeric(v, st), true
	}
	return "", false
}

func (e *execution) otherOp(name, op string) (string, bool) {
	switch w := words(op, 3); name {
	case "tick": // tick MS
		return status(abi.SetTick(number(w[1]))), true
	case "prop": // prop a.b.c: dots are NULs, and a comma is a dot
		return text(abi.Property(path(w[1]))), true
	case "setprop": // setprop PATH VALUE
		return status(abi.SetProperty(path(w[1]), w[2])), true
	case "foreign": // foreign NAME ARGUMENT
		return text(abi.Foreign(w[1], w[2])), true
	case "hex": // hex NAME ARGUMENT: foreign, with argument and result in hexadecimal
		argument, _ := hex.DecodeString(w[2])
		result, st := abi.Foreign(w[1], string(argument))
		return status(st) + " " + hex.EncodeToString([]byte(result)), true
	case "status":
		code, message, st := abi.Status()
		return status(st) + " " + strconv.Itoa(int(code)) + " " + strconv.Quote(message), true
	case "loglevel":
		l, st := abi.LogLevel()
		return numeric(uint64(l), st), true
	case "time":
		t, st := abi.Time()
		return numeric(t, st), true
	case "done":
		return status(abi.Done()), true
	case "log": // log LEVEL TEXT
		return status(abi.Log(number(w[1]), w[2])), true
	case "print": // print TEXT, to stdout
		os.Stdout.WriteString(w[1] + " " + w[2] + "\n")
		return "-", true
	}
	return "", false
}

func path(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, ".", "\x00"), ",", ".")
}
