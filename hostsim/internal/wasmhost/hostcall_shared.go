package wasmhost

import (
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// proxyGetSharedData(key, size, value**, size*, cas*). NotFound: absent key.
func proxyGetSharedData(v *VM, p []uint64) uint32 {
	key, ok := v.read(p[0], p[1])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	value, cas, status := v.machine.sharedData.get(v.spec.VMID, key, v.scratch)
	v.scratch = value
	if status != abi.StatusOK {
		return uint32(status)
	}
	if s := v.give(value, p[2], p[3]); s != abi.StatusOK {
		return uint32(s)
	}
	return v.putU32(p[4], cas)
}

// proxySetSharedData(key, size, value, size, cas). CasMismatch: the key exists, and cas is neither 0 nor the stored one.
func proxySetSharedData(v *VM, p []uint64) uint32 {
	key, ok := v.read(p[0], p[1])
	value, ok2 := v.read(p[2], p[3])
	if !ok || !ok2 {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(v.machine.sharedData.set(v.spec.VMID, key, value, uint32(p[4])))
}

// proxyRegisterSharedQueue(name, size, id*): the context's root becomes the one that is notified of messages.
func proxyRegisterSharedQueue(v *VM, p []uint64) uint32 {
	name, ok := v.read(p[0], p[1])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return v.putU32(p[2], v.machine.queues.register(v, v.contextOrEffective().RootID(), string(name)))
}

// proxyResolveSharedQueue(vm id, size, name, size, id*). NotFound: no such queue. An empty vm id means the VM's own.
func proxyResolveSharedQueue(v *VM, p []uint64) uint32 {
	vmID, ok := v.read(p[0], p[1])
	name, ok2 := v.read(p[2], p[3])
	if !ok || !ok2 {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	owner := string(vmID)
	if owner == "" {
		owner = v.spec.VMID
	}
	id, status := v.machine.queues.resolve(owner, string(name))
	if status != abi.StatusOK {
		return uint32(status)
	}
	return v.putU32(p[4], id)
}

// proxyEnqueueSharedQueue(id, data, size). NotFound: unknown id.
func proxyEnqueueSharedQueue(v *VM, p []uint64) uint32 {
	data, ok := v.read(p[1], p[2])
	if !ok {
		return uint32(abi.StatusInvalidMemoryAccess)
	}
	return uint32(v.machine.queues.enqueue(uint32(p[0]), data))
}

// proxyDequeueSharedQueue(id, data**, size*). NotFound: unknown id. Empty: nothing there.
func proxyDequeueSharedQueue(v *VM, p []uint64) uint32 {
	data, status := v.machine.queues.dequeue(uint32(p[0]))
	if status != abi.StatusOK {
		return uint32(status)
	}
	return uint32(v.give(data, p[1], p[2]))
}
