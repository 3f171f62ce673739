package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
	"github.com/sallyport-gateway/sallyport/hostsim/internal/wire"
)

// read returns a view of guest memory, which is only good until the guest runs again; false when it is out of range.
func (v *VM) read(ptr, size uint64) ([]byte, bool) {
	return v.memory.Read(uint32(ptr), uint32(size))
}

func (v *VM) writeU32(ptr uint64, value uint32) bool {
	return v.memory.WriteUint32Le(uint32(ptr), value)
}

func (v *VM) writeU64(ptr uint64, value uint64) bool {
	return v.memory.WriteUint64Le(uint32(ptr), value)
}

// alloc has the guest reserve size bytes and returns a view of them. The guest's allocator runs inside the hostcall, in
// the name of context 0 and with hardly any hostcall allowed.
func (v *VM) alloc(size int) (ptr uint32, view []byte, ok bool) {
	if v.malloc == nil || v.closed {
		return 0, nil, false
	}
	current, effective, restriction := v.current, v.effective, v.restriction
	v.current, v.effective, v.restriction = v.nowhere, 0, allocating
	stack := &v.mallocStack
	stack[0] = uint64(size)
	if v.envoyTrace != nil {
		v.traceEnter("host->vm", v.mallocName, oneI32, stack[:])
	}
	err := v.malloc.CallWithStack(v, stack[:])
	if v.envoyTrace != nil && err == nil {
		v.traceLeave("host<-vm", v.mallocName, oneI32, stack[:])
	}
	v.current, v.effective, v.restriction = current, effective, restriction
	if err != nil {
		v.Fail(v.mallocName, err)
		return 0, nil, false
	}
	ptr = uint32(stack[0])
	if ptr == 0 {
		return 0, nil, false
	}
	view, ok = v.memory.Read(ptr, uint32(size))
	return ptr, view, ok
}

// room is alloc, except that zero bytes are at pointer 0 and nothing is allocated for them.
func (v *VM) room(size int) (ptr uint32, view []byte, ok bool) {
	if size == 0 {
		return 0, nil, true
	}
	return v.alloc(size)
}

// give copies data into memory that the guest allocates, and writes where it is; see room for empty data. Source:
// proxy-wasm-cpp-host include/proxy-wasm/wasm.h copyToPointerSize.
func (v *VM) give(data []byte, ptrPtr, sizePtr uint64) abi.Status {
	ptr, view, ok := v.room(len(data))
	if !ok {
		return abi.StatusInvalidMemoryAccess
	}
	copy(view, data)
	return v.givePointer(ptr, len(data), ptrPtr, sizePtr)
}

// giveString is give without a copy of the string.
func (v *VM) giveString(data string, ptrPtr, sizePtr uint64) abi.Status {
	ptr, view, ok := v.room(len(data))
	if !ok {
		return abi.StatusInvalidMemoryAccess
	}
	copy(view, data)
	return v.givePointer(ptr, len(data), ptrPtr, sizePtr)
}

// givePairs is give for a header map.
func (v *VM) givePairs(h []wire.Pair, ptrPtr, sizePtr uint64) abi.Status {
	if len(h) == 0 {
		return v.givePointer(0, 0, ptrPtr, sizePtr)
	}
	size := wire.PairsSize(h)
	ptr, view, ok := v.alloc(size)
	if !ok {
		return abi.StatusInvalidMemoryAccess
	}
	wire.AppendPairs(view[:0], h)
	return v.givePointer(ptr, size, ptrPtr, sizePtr)
}

func (v *VM) givePointer(ptr uint32, size int, ptrPtr, sizePtr uint64) abi.Status {
	if !v.writeU32(ptrPtr, ptr) || !v.writeU32(sizePtr, uint32(size)) {
		return abi.StatusInvalidMemoryAccess
	}
	v.given = size
	return abi.StatusOK
}
