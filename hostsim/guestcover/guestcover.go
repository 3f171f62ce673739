// Package guestcover keeps what the tests of a Go guest ran of its code: the guest is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -cover -covermode=atomic -buildmode=c-shared
//
// and calls the foreign functions MetaFunction and CountersFunction with what runtime/coverage writes, such as in
// proxy_on_done of its root context. Envoy has no such functions, so a guest calls them under a build tag.
//
// Such a module imports file functions of WASI that Envoy has since 1.39: no older profile loads it. Go itself finds no
// folder to write to, in Envoy as here, which is why the guest has to hand the data over.
package guestcover

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/abi"
)

// The foreign functions. The first gets what coverage.WriteMeta writes, and the second that of coverage.WriteCounters.
const (
	MetaFunction     = "go_coverage_meta"
	CountersFunction = "go_coverage_counters"
)

// Where the hash of the program lies in both. Source: Go internal/coverage MetaFileHeader and CounterFileHeader.
const (
	hashSize      = 16
	metaHashAt    = 24
	counterHashAt = 8
)

// files tells files of one process apart.
var files atomic.Int64

// Keep writes what a guest hands over into a folder that is there, as Go programs do into GOCOVERDIR: "go tool covdata"
// reads it, and "go tool covdata textfmt" makes the profile for "go tool cover". A guest that hands over something else
// gets BadArgument, and where the folder cannot be written InternalFailure.
func Keep(dir string) []hostsim.HostOption {
	return []hostsim.HostOption{
		hostsim.WithForeignFunction(MetaFunction, keep(metaHashAt, func(hash string) string {
			return filepath.Join(dir, "covmeta."+hash)
		})),
		hostsim.WithForeignFunction(CountersFunction, keep(counterHashAt, func(hash string) string {
			return filepath.Join(dir, fmt.Sprintf("covcounters.%s.%d.%d", hash, os.Getpid(), files.Add(1)))
		})),
	}
}

func keep(hashAt int, path func(hash string) string) func(data []byte) ([]byte, abi.Status) {
	return func(data []byte) ([]byte, abi.Status) {
		if len(data) < hashAt+hashSize {
			return nil, abi.StatusBadArgument
		}
		name := path(hex.EncodeToString(data[hashAt : hashAt+hashSize]))
		if os.WriteFile(name, data, 0o600) != nil {
			return nil, abi.StatusInternalFailure
		}
		return nil, abi.StatusOK
	}
}
