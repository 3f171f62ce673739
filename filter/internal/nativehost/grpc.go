package nativehost

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/host"
)

// isGRPC reports whether a host takes the request for gRPC (Envoy
// source/common/grpc/common.cc, isGrpcRequestHeaders).
func isGRPC(headers []host.Header) bool {
	for _, h := range headers {
		if h.Name == "content-type" {
			return h.Value == "application/grpc" || strings.HasPrefix(h.Value, "application/grpc+")
		}
	}
	return false
}

// grpcReply is a reply as a gRPC client gets it: its status and text are in
// headers (Envoy source/common/http/utility.cc, prepareLocalReply). 0 is no
// status: it is derived from the HTTP one
// (grpc/doc/http-grpc-status-mapping.md).
func grpcReply(r Response, status int) Response {
	if status == 0 {
		status = map[int]int{400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}[r.Status]
		if status == 0 {
			status = 2
		}
	}
	reply := Response{Status: 200}
	for _, h := range r.Headers {
		if h.Name != "content-type" {
			reply.Headers = append(reply.Headers, h)
		}
	}
	var message strings.Builder
	for _, c := range r.Body {
		if c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&message, "%%%02X", c)
		} else {
			message.WriteByte(c)
		}
	}
	reply.Headers = append(reply.Headers, host.Header{Name: "content-type", Value: "application/grpc"},
		host.Header{Name: "grpc-status", Value: strconv.Itoa(status)})
	if message.Len() > 0 {
		reply.Headers = append(reply.Headers, host.Header{Name: "grpc-message", Value: message.String()})
	}
	return reply
}
