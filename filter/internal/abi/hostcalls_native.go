//go:build !wasip1

package abi

import (
	"github.com/tetratelabs/proxy-wasm-go-sdk/proxywasm/types"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// Natively there is no host: every hostcall answers Unimplemented, so that the
// packages above build, vet and test.

// PluginConfiguration answers Unimplemented.
func PluginConfiguration() ([]byte, Status) { return nil, Unimplemented }

// SetTickPeriod answers Unimplemented.
func SetTickPeriod(uint32) Status { return Unimplemented }

// Log does nothing.
func Log(Level, string) {}

// NowNanos answers Unimplemented.
func NowNanos() (int64, Status) { return 0, Unimplemented }

// Request has no headers.
func Request() ([]host.Header, bool) { return nil, false }

// ResponseStatus has none.
func ResponseStatus() string { return "" }

// Pairs has no headers.
func Pairs(MapType) ([]host.Header, bool) { return nil, false }

// RemoveHeader answers Unimplemented.
func RemoveHeader(MapType, string) Status { return Unimplemented }

// ReplaceHeader answers Unimplemented.
func ReplaceHeader(string, string) Status { return Unimplemented }

// SetProperty answers Unimplemented.
func SetProperty(string, string) Status { return Unimplemented }

// CallResponseBody answers Unimplemented.
func CallResponseBody(int) ([]byte, Status) { return nil, Unimplemented }

// SendLocalResponse answers Unimplemented.
func SendLocalResponse(int, string, []byte, []byte, int) Status { return Unimplemented }

// HTTPCall answers Unimplemented.
func HTTPCall(uint32, string, []host.Header, []byte, uint32, Landing) Status { return Unimplemented }

// GRPCCall answers Unimplemented.
func GRPCCall(uint32, []byte, string, string, []byte, uint32, GRPCLanding) Status {
	return Unimplemented
}

// GRPCMessage answers Unimplemented.
func GRPCMessage(int) ([]byte, Status) { return nil, Unimplemented }

// DefineMetric answers Unimplemented.
func DefineMetric(MetricType, string) (uint32, Status) { return 0, Unimplemented }

// AddMetric answers Unimplemented.
func AddMetric(uint32, int64) Status { return Unimplemented }

// RecordMetric answers Unimplemented.
func RecordMetric(uint32, int64) Status { return Unimplemented }

// GetShared answers Unimplemented.
func GetShared(string) ([]byte, uint32, Status) { return nil, 0, Unimplemented }

// SetShared answers Unimplemented.
func SetShared(string, []byte, uint32) Status { return Unimplemented }

// Property answers Unimplemented.
func Property(string) ([]byte, Status) { return nil, Unimplemented }

// Continue answers Unimplemented.
func Continue() Status { return Unimplemented }

// SetEffectiveContext answers Unimplemented.
func SetEffectiveContext(uint32) Status { return Unimplemented }

// CallForeign answers Unimplemented.
func CallForeign(string, []byte) ([]byte, Status) { return nil, Unimplemented }

// RegisterQueue answers Unimplemented.
func RegisterQueue(string) (uint32, Status) { return 0, Unimplemented }

// Enqueue answers Unimplemented.
func Enqueue(uint32, []byte) Status { return Unimplemented }

// Dequeue answers Unimplemented.
func Dequeue(uint32) ([]byte, Status) { return nil, Unimplemented }

// SetVMContext does nothing.
func SetVMContext(types.VMContext) {}

// HandleStreams does nothing.
func HandleStreams(Streams) {}
