// Package pipelinetest has what tests share that run steps: exchanges and metrics.
package pipelinetest

import (
	"github.com/sallyport-gateway/sallyport/filter/internal/ipaddr"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
)

// From is an exchange's Client whose address a proxy writes so; none where it is
// not one.
func From(written string) func(*pipeline.Exchange) ipaddr.Addr {
	address, _ := ipaddr.ParsePeer(written)
	return func(*pipeline.Exchange) ipaddr.Addr { return address }
}
