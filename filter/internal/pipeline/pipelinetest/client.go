// Package pipelinetest has what tests that run steps share: exchanges and
// metrics.
package pipelinetest

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// From is an exchange's Client with the address that a proxy writes; none if it
// is not an address.
func From(written string) func(*pipeline.Exchange) ipaddr.Addr {
	address, _ := ipaddr.ParsePeer(written)
	return func(*pipeline.Exchange) ipaddr.Addr { return address }
}
