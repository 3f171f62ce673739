package wasmhost

import (
	"sync"

	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// sharedData is the process-wide key-value store: no eviction, no delete, one namespace per vm_id.
// Source: proxy-wasm-cpp-host src/shared_data.cc.
type sharedData struct {
	mu   sync.Mutex
	data map[string]map[string]*sharedValue // by vm_id
	cas  uint32                             // the last one issued; one counter for all keys
	refs map[string]int                     // base VMs alive, by vm_id
	// lose is how many of the next compare-and-swaps of a key will lose to a rival.
	lose map[sharedKey]int
}

type sharedKey struct{ vmID, key string }

type sharedValue struct {
	value []byte
	cas   uint32
}

func newSharedData() *sharedData {
	return &sharedData{data: map[string]map[string]*sharedValue{}, refs: map[string]int{}, lose: map[sharedKey]int{}}
}

// get appends the value to into[:0]. It answers NotFound for an absent key.
func (s *sharedData) get(vmID string, key, into []byte) (value []byte, cas uint32, status abi.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.data[vmID][string(key)]
	if !ok {
		return into, 0, abi.StatusNotFound
	}
	return append(into[:0], v.value...), v.cas, abi.StatusOK
}

// set writes an absent key whatever cas is. An existing key is overwritten if cas is 0 or equals the stored number;
// otherwise the answer is CasMismatch.
func (s *sharedData) set(vmID string, key, value []byte, cas uint32) abi.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.data[vmID]
	if keys == nil {
		keys = map[string]*sharedValue{}
		s.data[vmID] = keys
	}
	entry, ok := keys[string(key)]
	if len(s.lose) > 0 && ok && cas != 0 && s.lose[sharedKey{vmID, string(key)}] > 0 {
		s.lose[sharedKey{vmID, string(key)}]--
		entry.cas = s.nextCas()
	}
	if ok && cas != 0 && cas != entry.cas {
		return abi.StatusCasMismatch
	}
	if !ok {
		entry = &sharedValue{}
		keys[string(key)] = entry
	}
	entry.value, entry.cas = append(entry.value[:0], value...), s.nextCas()
	return abi.StatusOK
}

func (s *sharedData) nextCas() uint32 {
	s.cas++
	if s.cas == 0 {
		s.cas = 1
	}
	return s.cas
}

// retain and release count the VM identities that use a vm_id: its data goes with the last one.
func (s *sharedData) retain(vmID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs[vmID]++
}

func (s *sharedData) release(vmID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refs[vmID]--; s.refs[vmID] <= 0 {
		delete(s.refs, vmID)
		delete(s.data, vmID)
	}
}

// clear makes this the store of a process that has just started, with the same users.
func (s *sharedData) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.data)
	clear(s.lose)
	s.cas = 0
}

// SharedData is a copy of all shared data under a vm_id.
func (m *Machine) SharedData(vmID string) map[string][]byte {
	m.sharedData.mu.Lock()
	defer m.sharedData.mu.Unlock()
	out := map[string][]byte{}
	for key, v := range m.sharedData.data[vmID] {
		out[key] = append([]byte(nil), v.value...)
	}
	return out
}

// SetSharedData writes a key as a guest with that vm_id would with cas 0: to prepare a test, or to stand for a rival.
func (m *Machine) SetSharedData(vmID, key string, value []byte) {
	m.sharedData.set(vmID, []byte(key), value, 0)
}

// LoseCAS makes the next n compare-and-swap writes of a key under a vm_id answer CasMismatch, as if a rival had written
// the same value in between: to see whether a guest tries again, and for how long.
func (m *Machine) LoseCAS(vmID, key string, n int) {
	m.sharedData.mu.Lock()
	defer m.sharedData.mu.Unlock()
	m.sharedData.lose[sharedKey{vmID, key}] = n
}
