//go:build wasip1

package abi

import (
	"encoding/binary"
	"unsafe"
)

func sp(s string) (ptr, uint32) { return ptr(unsafe.StringData(s)), uint32(len(s)) }

func bp(b []byte) (ptr, uint32) { return ptr(unsafe.SliceData(b)), uint32(len(b)) }

// kept holds what the host allocates until the hostcall that asked for it has returned.
var kept [][]byte

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) ptr {
	b := make([]byte, max(size, 1))
	kept = append(kept, b)
	return ptr(unsafe.SliceData(b))
}

//go:wasmexport proxy_abi_version_0_2_1
func version() {}

// result is an out-parameter pair. The host writes 4 bytes of each; the upper half of p stays 0.
type result struct {
	p ptr
	n uint32
}

func (r *result) take(status uint32) (string, uint32) {
	s := ""
	if status == 0 && r.n > 0 {
		s = string(unsafe.Slice((*byte)(r.p), r.n))
	}
	kept = nil
	return s, status
}

func (r *result) args() (ptr, ptr) { return ptr(&r.p), ptr(&r.n) }

// Log levels.
const (
	Trace = iota
	Debug
	Info
	Warn
	Error
	Critical
)

// The wrappers return what the hostcall returns, its status last.

func Log(level uint32, s string) uint32 { p, n := sp(s); return log(level, p, n) }

func LogLevel() (uint32, uint32) { var l uint32; st := getLogLevel(ptr(&l)); return l, st }

func Status() (uint32, string, uint32) {
	var code uint32
	var r result
	p, n := r.args()
	s, st := r.take(getStatus(ptr(&code), p, n))
	return code, s, st
}

func Time() (uint64, uint32) { var t uint64; st := getTime(ptr(&t)); return t, st }

func Property(path string) (string, uint32) {
	var r result
	k, kn := sp(path)
	p, n := r.args()
	return r.take(getProperty(k, kn, p, n))
}

func SetProperty(path, value string) uint32 {
	k, kn := sp(path)
	v, vn := sp(value)
	return setProperty(k, kn, v, vn)
}

func Header(m uint32, key string) (string, uint32) {
	var r result
	k, kn := sp(key)
	p, n := r.args()
	return r.take(getHeader(m, k, kn, p, n))
}

func AddHeader(m uint32, key, value string) uint32 {
	k, kn := sp(key)
	v, vn := sp(value)
	return addHeader(m, k, kn, v, vn)
}

func ReplaceHeader(m uint32, key, value string) uint32 {
	k, kn := sp(key)
	v, vn := sp(value)
	return replaceHeader(m, k, kn, v, vn)
}

func RemoveHeader(m uint32, key string) uint32 { k, kn := sp(key); return removeHeader(m, k, kn) }

func RawPairs(m uint32) (string, uint32) {
	var r result
	p, n := r.args()
	return r.take(getPairs(m, p, n))
}

func SetRawPairs(m uint32, b []byte) uint32 { p, n := bp(b); return setPairs(m, p, n) }

func MapSize(m uint32) (uint32, uint32) { var n uint32; st := getMapSize(m, ptr(&n)); return n, st }

func BufferStatus(b uint32) (length, flags, status uint32) {
	status = getBufferStatus(b, ptr(&length), ptr(&flags))
	return length, flags, status
}

func Buffer(b, start, length uint32) (string, uint32) {
	var r result
	p, n := r.args()
	return r.take(getBuffer(b, start, length, p, n))
}

func SetBuffer(b, start, length uint32, data string) uint32 {
	p, n := sp(data)
	return setBuffer(b, start, length, p, n)
}

func Reply(code uint32, details, body string, headers []byte, grpc int32) uint32 {
	d, dn := sp(details)
	b, bn := sp(body)
	h, hn := bp(headers)
	return sendLocalResponse(code, d, dn, b, bn, h, hn, uint32(grpc))
}

func HTTPCall(cluster string, headers []byte, body string, trailers []byte, ms int32) (uint32, uint32) {
	var id uint32
	c, cn := sp(cluster)
	h, hn := bp(headers)
	b, bn := sp(body)
	t, tn := bp(trailers)
	st := httpCall(c, cn, h, hn, b, bn, t, tn, uint32(ms), ptr(&id))
	return id, st
}

func Shared(key string) (string, uint32, uint32) {
	var r result
	var cas uint32
	k, kn := sp(key)
	p, n := r.args()
	s, st := r.take(getShared(k, kn, p, n, ptr(&cas)))
	return s, cas, st
}

func SetShared(key, value string, cas uint32) uint32 {
	k, kn := sp(key)
	v, vn := sp(value)
	return setShared(k, kn, v, vn, cas)
}

func RegisterQueue(name string) (uint32, uint32) {
	var id uint32
	p, n := sp(name)
	st := registerQueue(p, n, ptr(&id))
	return id, st
}

func ResolveQueue(vm, name string) (uint32, uint32) {
	var id uint32
	v, vn := sp(vm)
	p, n := sp(name)
	st := resolveQueue(v, vn, p, n, ptr(&id))
	return id, st
}

func Enqueue(id uint32, data string) uint32 { p, n := sp(data); return enqueue(id, p, n) }

func Dequeue(id uint32) (string, uint32) {
	var r result
	p, n := r.args()
	return r.take(dequeue(id, p, n))
}

func DefineMetric(kind uint32, name string) (uint32, uint32) {
	var id uint32
	p, n := sp(name)
	st := defineMetric(kind, p, n, ptr(&id))
	return id, st
}

func Metric(id uint32) (uint64, uint32) { var v uint64; st := getMetric(id, ptr(&v)); return v, st }

func Foreign(name, argument string) (string, uint32) {
	var r result
	f, fn := sp(name)
	a, an := sp(argument)
	p, n := r.args()
	return r.take(callForeign(f, fn, a, an, p, n))
}

// Pairs encodes names and values in turn.
func Pairs(kv ...string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(kv)/2))
	for _, s := range kv {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	}
	for _, s := range kv {
		b = append(append(b, s...), 0)
	}
	return b
}

// SplitPairs decodes pairs to names and values in turn.
func SplitPairs(s string) []string {
	if len(s) < 4 {
		return nil
	}
	b := []byte(s)
	n := 2 * int(binary.LittleEndian.Uint32(b))
	out := make([]string, n)
	at := 4 + 4*n
	for i := range out {
		l := int(binary.LittleEndian.Uint32(b[4+4*i:]))
		out[i] = s[at : at+l]
		at += l + 1
	}
	return out
}
