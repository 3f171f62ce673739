// A proxy-wasm host for one guest, as far as a filter of requests needs one:
// it plays a request again and again, so that V8's profiler sees the guest.
// Node: node [--cpu-prof …] host.mjs MODULE PLAN
// PLAN is JSON: {config, headers: [[name, value]], seconds, claims}.
// It writes JSON: {status, requests, micros, objects, bytes}; objects and bytes are the
// guest's allocations for a request, when it exports bench_objects and
// bench_bytes.
import { readFileSync } from 'node:fs'
import { randomFillSync } from 'node:crypto'
import { performance } from 'node:perf_hooks'

const [modulePath, planPath] = process.argv.slice(2)
const plan = JSON.parse(readFileSync(planPath, 'utf8'))

const OK = 0, NOT_FOUND = 1, EMPTY = 7, CAS_MISMATCH = 8, UNIMPLEMENTED = 12
const PAUSE = 1, ROOT = 1
const REQUEST = 0, RESPONSE = 2, CALL_RESPONSE = 6
const CALL_BODY = 4, VM_CONFIG = 6, PLUGIN_CONFIG = 7

// All text is bytes: a character of JavaScript's is one of them.
const bytesOf = (text) => Buffer.from(text, 'latin1')

let exports, bytes, view
const refresh = () => {
  if (bytes === undefined || bytes.buffer !== exports.memory.buffer) {
    bytes = Buffer.from(exports.memory.buffer)
    view = new DataView(exports.memory.buffer)
  }
}
const text = (p, n) => { refresh(); return bytes.latin1Slice(p >>> 0, (p + n) >>> 0) }
const setU32 = (p, v) => { refresh(); view.setUint32(p, v, true) }
const setU64 = (p, v) => { refresh(); view.setBigUint64(p, v, true) }

// give puts an answer where the guest wants it, in the guest's own memory.
const give = (data, pp, np) => {
  let at = 0
  if (data.length > 0) {
    at = (exports.proxy_on_memory_allocate ?? exports.malloc)(data.length)
    refresh()
    bytes.set(data, at)
  }
  setU32(pp, at)
  setU32(np, data.length)
  return OK
}

// A map of headers is an array of pairs.
const encodePairs = (pairs) => {
  const encoded = pairs.map(([k, v]) => [bytesOf(k), bytesOf(v)])
  const size = 4 + encoded.reduce((n, [k, v]) => n + 10 + k.length + v.length, 0)
  const out = new Uint8Array(size), v = new DataView(out.buffer)
  v.setUint32(0, pairs.length, true)
  let at = 4
  for (const [k, value] of encoded) {
    v.setUint32(at, k.length, true)
    v.setUint32(at + 4, value.length, true)
    at += 8
  }
  for (const pair of encoded) for (const part of pair) { out.set(part, at); at += part.length + 1 }
  return out
}
const decodePairs = (p) => {
  refresh()
  const count = view.getUint32(p, true), pairs = []
  let at = p + 4 + 8 * count
  for (let i = 0; i < count; i++) {
    const kn = view.getUint32(p + 4 + 8 * i, true), vn = view.getUint32(p + 8 + 8 * i, true)
    pairs.push([text(at, kn), text(at + kn + 1, vn)])
    at += kn + vn + 2
  }
  return pairs
}

const original = encodePairs(plan.headers)
const callHeaders = encodePairs([[':status', '200'], ['content-type', 'application/json']])
const callBody = bytesOf(plan.claims)
const maps = { [REQUEST]: plan.headers, [RESPONSE]: [[':status', '200']] }
const buffers = { [VM_CONFIG]: new Uint8Array(), [PLUGIN_CONFIG]: bytesOf(plan.config), [CALL_BODY]: callBody }
const code = new Uint8Array(8)
const properties = {
  'source\0address': bytesOf('127.0.0.1:40000'), 'response\0code': code, 'plugin_root_id': bytesOf('profile'),
  'connection\0id': new Uint8Array(8),
}
const shared = new Map(), metrics = new Map(), queues = new Map()
let reply = 0, calls = [], nextCall = 1

const find = (map, name) => (maps[map] ?? []).findIndex(([k]) => k === name)
const change = (map, pairs) => { maps[map] = pairs }

const env = {
  proxy_log: (level, p, n) => { if (level > 2) process.stderr.write(text(p, n) + '\n'); return OK },
  proxy_get_log_level: (p) => { setU32(p, 3); return OK },
  proxy_get_current_time_nanoseconds: (p) => { setU64(p, BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6))); return OK },
  proxy_set_tick_period_milliseconds: () => OK,
  proxy_set_effective_context: () => OK,
  proxy_done: () => OK,
  proxy_get_property: (p, n, rp, rn) => { const v = properties[text(p, n).replace(/\0$/, '')]; return v ? give(v, rp, rn) : NOT_FOUND },
  proxy_set_property: () => OK,
  proxy_get_header_map_pairs: (map, rp, rn) =>
    give(map === REQUEST && maps[REQUEST] === plan.headers ? original : map === CALL_RESPONSE ? callHeaders : encodePairs(maps[map] ?? []), rp, rn),
  proxy_set_header_map_pairs: (map, p) => { change(map, decodePairs(p)); return OK },
  proxy_get_header_map_size: (map, p) => { setU32(p, encodePairs(maps[map] ?? []).length); return OK },
  proxy_get_header_map_value: (map, p, n, rp, rn) => {
    const i = find(map, text(p, n))
    return i < 0 ? NOT_FOUND : give(bytesOf(maps[map][i][1]), rp, rn)
  },
  proxy_add_header_map_value: (map, kp, kn, vp, vn) => { change(map, [...maps[map], [text(kp, kn), text(vp, vn)]]); return OK },
  proxy_replace_header_map_value: (map, kp, kn, vp, vn) => {
    const name = text(kp, kn)
    change(map, [...maps[map].filter(([k]) => k !== name), [name, text(vp, vn)]])
    return OK
  },
  proxy_remove_header_map_value: (map, kp, kn) => { const name = text(kp, kn); change(map, maps[map].filter(([k]) => k !== name)); return OK },
  proxy_get_buffer_status: (buffer, np, fp) => { setU32(np, buffers[buffer]?.length ?? 0); setU32(fp, 0); return OK },
  proxy_get_buffer_bytes: (buffer, start, size, rp, rn) => buffers[buffer] ? give(buffers[buffer].subarray(start, start + size), rp, rn) : NOT_FOUND,
  proxy_set_buffer_bytes: () => OK,
  proxy_continue_stream: () => OK,
  proxy_close_stream: () => OK,
  proxy_send_local_response: (status) => { reply = status; return OK },
  proxy_http_call: (...a) => { calls.push(nextCall); setU32(a[9], nextCall++); return OK },
  proxy_get_shared_data: (kp, kn, rp, rn, cas) => {
    const v = shared.get(text(kp, kn))
    if (v === undefined) return NOT_FOUND
    setU32(cas, v.cas)
    return give(v.data, rp, rn)
  },
  proxy_set_shared_data: (kp, kn, vp, vn, cas) => {
    const key = text(kp, kn), old = shared.get(key)
    if (old !== undefined && cas !== 0 && (cas >>> 0) !== old.cas) return CAS_MISMATCH
    shared.set(key, { data: Buffer.from(bytes.subarray(vp, vp + vn)), cas: (old?.cas ?? 0) + 1 })
    return OK
  },
  proxy_register_shared_queue: (p, n, idp) => { const name = text(p, n); if (!queues.has(name)) queues.set(name, queues.size + 1); setU32(idp, queues.get(name)); return OK },
  proxy_resolve_shared_queue: (vp, vn, p, n, idp) => { const id = queues.get(text(p, n)); if (id === undefined) return NOT_FOUND; setU32(idp, id); return OK },
  proxy_enqueue_shared_queue: () => OK,
  proxy_dequeue_shared_queue: () => EMPTY,
  proxy_define_metric: (kind, p, n, idp) => { const name = text(p, n); if (!metrics.has(name)) metrics.set(name, (metrics.size + 1) * 4 + kind); setU32(idp, metrics.get(name)); return OK },
  proxy_increment_metric: () => OK,
  proxy_record_metric: () => OK,
  proxy_get_metric: (id, p) => { setU64(p, 0n); return OK },
  proxy_call_foreign_function: () => NOT_FOUND,
}

const none = (countPtr, sizePtr) => { setU32(countPtr, 0); setU32(sizePtr, 0); return 0 }
const wasi = {
  args_get: () => 0, args_sizes_get: none, environ_get: () => 0, environ_sizes_get: none,
  clock_time_get: (id, precision, p) => { setU64(p, id === 0 ? BigInt(Date.now()) * 1000000n : process.hrtime.bigint()); return 0 },
  random_get: (p, n) => { refresh(); randomFillSync(bytes, p, n); return 0 },
  sched_yield: () => 0,
  fd_write: (fd, iovs, count, np) => {
    let n = 0
    for (let i = 0; i < count; i++) {
      refresh()
      const p = view.getUint32(iovs + 8 * i, true), size = view.getUint32(iovs + 8 * i + 4, true)
      process.stderr.write(text(p, size))
      n += size
    }
    setU32(np, n)
    return 0
  },
  proc_exit: (status) => { throw new Error(`the guest ended with ${status}`) },
}

const module = new WebAssembly.Module(readFileSync(modulePath))
const imports = { env: {}, wasi_snapshot_preview1: {} }
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  const known = from === 'env' ? env : wasi
  imports[from][name] = known[name] ?? (() => from === 'env' ? UNIMPLEMENTED : 8 /* EBADF */)
}
exports = new WebAssembly.Instance(module, imports).exports
exports._initialize?.()

const call = (name, ...a) => exports[name] ? exports[name](...a) : undefined
call('proxy_on_context_create', ROOT, 0)
if (call('proxy_on_vm_start', ROOT, 0) === 0 || call('proxy_on_configure', ROOT, buffers[PLUGIN_CONFIG].length) === 0) {
  throw new Error('the guest refused its configuration')
}

let stream = ROOT
const play = () => {
  const id = ++stream
  maps[REQUEST] = plan.headers
  reply = 0
  call('proxy_on_context_create', id, ROOT)
  const action = call('proxy_on_request_headers', id, plan.headers.length, 1)
  for (const landed of calls.splice(0)) call('proxy_on_http_call_response', ROOT, landed, 2, callBody.length, 0)
  const status = reply || 200
  if (action === PAUSE && reply === 0 && nextCall === 1) throw new Error('a request waits for nothing')
  new DataView(code.buffer).setBigInt64(0, BigInt(status), true)
  maps[RESPONSE][0][1] = String(status)
  call('proxy_on_log', id)
  call('proxy_on_done', id)
  call('proxy_on_delete', id)
  return status
}
const BATCH = 2000 // requests: at most as many as come before the proxy's next tick
let status = 0
const playMany = (n) => {
  call('proxy_on_tick', ROOT)
  for (let i = 0; i < n; i++) status = play()
  return n
}
const playFor = (seconds) => {
  const begin = performance.now()
  let n = 0
  while (performance.now() - begin < seconds * 1000) n += playMany(BATCH)
  return [n, performance.now() - begin]
}

playFor(plan.seconds / 4)
const count = () => [Number(call('bench_objects') ?? 0n), Number(call('bench_bytes') ?? 0n)]
const [objects, size] = count()
playMany(BATCH)
const [objectsAfter, sizeAfter] = count()
const [requests, took] = playFor(plan.seconds)
process.stdout.write(JSON.stringify({
  status, requests, micros: took * 1000 / requests, objects: (objectsAfter - objects) / BATCH, bytes: (sizeAfter - size) / BATCH,
}) + '\n')
