//go:build wasip1

package main

import (
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/hostsim/testdata/guests/abi"
)

func (e *execution) sharedOp(name, op string) (string, bool) {
	switch w := words(op, 4); name {
	case "sdget": // sdget KEY
		v, cas, st := abi.Shared(w[1])
		casOf[w[1]] = cas
		return text(v, st), true
	case "sdset": // sdset KEY CAS VALUE; CAS may be "read": the one of the last sdget
		cas := number(w[2])
		if w[2] == "read" {
			cas = casOf[w[1]]
		}
		return status(abi.SetShared(w[1], w[3], cas)), true
	case "sdadd": // sdadd KEY TIMES: count up with compare-and-swap
		for range number(w[2]) {
			for {
				v, cas, _ := abi.Shared(w[1])
				n, _ := strconv.Atoi(v)
				if abi.SetShared(w[1], strconv.Itoa(n+1), cas) == 0 {
					break
				}
			}
		}
		return "-", true
	case "qregister": // qregister NAME
		id, st := abi.RegisterQueue(w[1])
		queues[w[1]] = id
		return numeric(uint64(id), st), true
	case "qresolve": // qresolve NAME [VM]
		id, st := abi.ResolveQueue(w[2], w[1])
		queues[w[1]] = id
		return numeric(uint64(id), st), true
	case "enqueue": // enqueue NAME DATA
		return status(abi.Enqueue(queues[w[1]], w[2])), true
	case "dequeue": // dequeue NAME
		return text(abi.Dequeue(queues[w[1]])), true
	case "qhammer": // qhammer NAME TIMES METRIC: enqueue "CONTEXT NUMBER" and dequeue in turn; METRIC counts what arrived
		return e.hammerQueue(queues[w[1]], number(w[2]), metrics[w[3]]), true
	case "enqueueid": // enqueueid ID
		return status(abi.Enqueue(number(w[1]), "x")), true
	}
	return "", false
}

// hammerQueue returns how often a producer's messages came out of order.
func (e *execution) hammerQueue(queue, times, metric uint32) string {
	last := map[string]int{}
	disorder := 0
	producer, _ := abi.Header(0, "x-producer")
	for i := range int(times) {
		abi.Enqueue(queue, producer+" "+strconv.Itoa(i+1))
		message, st := abi.Dequeue(queue)
		if st != 0 {
			continue
		}
		abi.IncrementMetric(metric, 1)
		from, sequence, _ := strings.Cut(message, " ")
		n, _ := strconv.Atoi(sequence)
		if n <= last[from] {
			disorder++
		}
		last[from] = n
	}
	return "disorder " + strconv.Itoa(disorder)
}
