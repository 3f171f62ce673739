package nativehost

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

import "unsafe"

// loan is a request's headers as a host lends them to a callback: in memory that
// the next one overwrites. The zero value has lent nothing.
type loan struct {
	bytes   []byte
	headers []host.Header
}

// lend gives copies, good until the loan ends.
func (l *loan) lend(headers []host.Header) []host.Header {
	size := 0
	for _, h := range headers {
		size += len(h.Name) + len(h.Value)
	}
	*l = loan{bytes: make([]byte, 0, size)}
	for _, h := range headers {
		l.headers = append(l.headers, host.Header{Name: l.text(h.Name), Value: l.text(h.Value)})
	}
	return l.headers
}

func (l *loan) text(s string) string {
	start := len(l.bytes)
	l.bytes = append(l.bytes, s...)
	return unsafe.String(unsafe.SliceData(l.bytes[start:]), len(s))
}

// end overwrites all of it, so that whoever still reads it is noticed.
func (l *loan) end() {
	for i := range l.bytes {
		l.bytes[i] = 0xa5
	}
	for i := range l.headers {
		l.headers[i] = host.Header{Name: "poisoned", Value: "poisoned"}
	}
	*l = loan{}
}
