//go:build !unboundedverdicts

package engine

// maxVerdicts bounds the verdicts of one callback. Envoy keeps local replies
// and resumptions until the callback has returned, and then carries each out
// inside the one before, when the filter is called about its response: each
// verdict is one more level of native stack. V8 loses the VM when its megabyte
// is used up, with 286 refusals or 244 admissions to a direct_response (Envoy
// 1.40; proxy-wasm-cpp-host wasm.h, doAfterVmCallActions).
const maxVerdicts = 32
