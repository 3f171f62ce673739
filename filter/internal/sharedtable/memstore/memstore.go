// Package memstore is a host.Store in memory that answers as Envoy's
// shared data does. It stands in for the host in tests and native runs; the
// Wasm module does not link it.
package memstore

import (
	"maps"
	"slices"
	"sync"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/sharedtable"
)

// Operation is what a Hook is called for.
type Operation uint8

const (
	Get Operation = iota + 1
	Set
)

// Hook runs before each operation, outside of the store's lock, so that it may
// itself use the store: a Set in a hook before a Set is contention. An error is
// what the operation returns, as if the host had failed.
type Hook func(op Operation, key string) error

// Store is safe for concurrent use. Its rules are those of proxy-wasm-cpp-host,
// src/shared_data.cc: one counter for all keys, from 1 and never 0; cas is
// ignored on an absent key, and 0 overwrites.
type Store struct {
	hook Hook

	mu      sync.Mutex
	items   map[string]item
	nextCAS uint32
	gets    int
	sets    int
}

type item struct {
	value []byte
	cas   uint32
}

// New makes an empty store; hook may be nil.
func New(hook Hook) *Store {
	return &Store{hook: hook, items: map[string]item{}, nextCAS: 1}
}

// Get implements host.Store.
func (s *Store) Get(key string) (value []byte, cas uint32, err error) {
	if s.hook != nil {
		if err := s.hook(Get, key); err != nil {
			return nil, 0, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	it, ok := s.items[key]
	if !ok {
		return nil, 0, sharedtable.ErrNotFound
	}
	return slices.Clone(it.value), it.cas, nil
}

// Set implements host.Store.
func (s *Store) Set(key string, value []byte, cas uint32) error {
	if s.hook != nil {
		if err := s.hook(Set, key); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets++
	if it, ok := s.items[key]; ok && cas != 0 && cas != it.cas {
		return sharedtable.ErrCASMismatch
	}
	s.items[key] = item{value: slices.Clone(value), cas: s.nextCAS}
	s.nextCAS++
	if s.nextCAS == 0 {
		s.nextCAS = 1
	}
	return nil
}

// Calls is the number of Gets and Sets that reached the store so far.
func (s *Store) Calls() (gets, sets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets, s.sets
}

// Keys lists the keys, sorted.
func (s *Store) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.items))
}

// Dump gives a copy of all that is kept, to look for what must not be there.
func (s *Store) Dump() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string][]byte, len(s.items))
	for key, it := range s.items {
		all[key] = slices.Clone(it.value)
	}
	return all
}

var _ host.Store = (*Store)(nil)
