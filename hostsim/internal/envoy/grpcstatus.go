package envoy

import (
	"fmt"
	"strings"
)

// GRPCStatusOf is the gRPC status of an HTTP one. Source: Envoy source/common/grpc/status.cc httpToGrpcStatus.
func GRPCStatusOf(http int) int {
	switch http {
	case 400:
		return 13
	case 401:
		return 16
	case 403:
		return 7
	case 404:
		return 12
	case 429, 502, 503, 504:
		return GRPCUnavailable
	}
	return 2
}

// GRPCMessage percent-encodes a message. Source: gRPC over HTTP/2, "Status-Message".
func GRPCMessage(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

const MaxGRPCStatus = 16
