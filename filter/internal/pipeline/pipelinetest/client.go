// Package pipelinetest makes exchanges for tests.
package pipelinetest

import "github.com/sallyport-gateway/sallyport/filter/internal/pipeline"

// From is an exchange's Client whose address is this one.
func From(address string) func(*pipeline.Exchange) string {
	return func(*pipeline.Exchange) string { return address }
}
