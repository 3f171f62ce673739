package quota

import (
	"encoding/binary"
	"unsafe"

	"github.com/sallyport-gateway/sallyport/filter/internal/ascii"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/sha256"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
	"github.com/sallyport-gateway/sallyport/filter/internal/siphash"
)

// Per says who has a count of their own.
type Per uint8

const (
	App Per = iota
	Product
	API
	Subject  // of the token, at its issuer; its client where it has none
	ClientIP // an IPv4 address or an IPv6 network
)

var perWords = [...]string{App: "app", Product: "product", API: "api", Subject: "token_subject", ClientIP: "client_ip"}

// party is whose count a request belongs to: a bucket of the table, and a hash.
type party struct {
	bucket uint32
	hash   uint64
}

// usualPartyBytes is room for a name and what precedes it.
const usualPartyBytes = 128

// who is what tells parties apart; "" for a request without it.
func (s *step) who(x *pipeline.Exchange) string {
	switch s.options.Per {
	case App:
		return x.Caller.App
	case Product:
		return x.Caller.Product
	case API:
		return x.API.Name
	case Subject:
		if t := x.Token; t != nil && t.Active {
			kind, value := byte('s'), t.Subject
			if value == "" {
				kind, value = 'c', t.ClientID
			}
			b := append(make([]byte, 0, usualPartyBytes), kind)
			return string(appendValue(appendValue(b, t.Issuer), value))
		}
	case ClientIP:
		if a := x.ClientAddress(); a.Valid() {
			bits := a.Bytes(s.options.IPv6Prefix)
			return string(bits[:])
		}
	}
	return ""
}

//go:noinline
func appendValue(b []byte, value string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// product is whose limit it is, when that is a product's: an app has a count for
// each of them.
func (s *step) product(x *pipeline.Exchange) string {
	if _, ok := s.products[x.Caller.Product]; ok && s.options.Per != Product {
		return x.Caller.Product
	}
	return ""
}

// party hashes it, under a key from the host's seed. The interval is a part of
// it: windows of different lengths are not counted together.
func (s *step) party(x *pipeline.Exchange, t *terms) (party, error) {
	if !s.seeded {
		if err := s.readSeed(); err != nil {
			return party{}, err
		}
	}
	b := append(make([]byte, 0, usualPartyBytes), byte(t.interval))
	b = appendValue(appendValue(b, s.product(x)), s.who(x))
	sum := s.secret.Sum(unsafe.String(unsafe.SliceData(b), len(b)))
	return party{bucket: uint32(sum[1]), hash: sum[0]}, nil
}

func (s *step) readSeed() error {
	seed, err := sharedtable.Seed(s.ports.Store)
	if err != nil {
		return err
	}
	shared := siphash.Key{binary.BigEndian.Uint64(seed[:]), binary.BigEndian.Uint64(seed[8:])}
	s.secret, s.seeded = siphash.Key(shared.Sum(string(s.identity[:]))), true
	return nil
}

// pairs are the descriptor of a request's party, encoded, without the window's
// name.
func (s *step) pairs(x *pipeline.Exchange, t *terms) []byte {
	b := appendPair(appendPair(nil, "quota", s.options.Name), "interval", t.interval.String())
	if name := s.product(x); name != "" {
		b = appendPair(b, "product", name)
	}
	key, value := perWords[s.options.Per], s.who(x)
	switch {
	case value == "":
		key, value = "nobody", key
	case s.options.Per == Subject, s.options.Per == ClientIP:
		sum := sha256.Sum256([]byte(value))
		value = ascii.Hex(sum[:sha256.Size/2])
	}
	return appendPair(b, key, value)
}
