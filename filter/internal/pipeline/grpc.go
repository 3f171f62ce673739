package pipeline

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

import "strings"

const grpcType = "application/grpc"

// contentType is not a constant, because comparing with one takes more code.
var contentType = "content-type"

// IsGRPC reports whether a host takes the request for gRPC, whose clients it
// answers with 200 and the status in trailers (Envoy
// source/common/grpc/common.cc, isGrpcRequestHeaders).
func IsGRPC(headers []host.Header) bool {
	for i := range headers {
		if h := &headers[i]; h.Name == contentType {
			return h.Value == grpcType || strings.HasPrefix(h.Value, grpcType+"+")
		}
	}
	return false
}
