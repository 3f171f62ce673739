package plugin

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/host"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
)

// Dispatch sends a callout; see engine.Host.
func (h *proxy) Dispatch(c host.Callout, land func(host.Answer)) host.Failure {
	request := make([]host.Header, 0, 3+len(c.Headers))
	request = append(request, host.Header{Name: ":method", Value: c.Method}, host.Header{Name: ":path", Value: c.Path},
		host.Header{Name: ":authority", Value: c.Authority})
	request = append(request, c.Headers...)
	status := abi.HTTPCall(h.root, c.Cluster, request, c.Body, uint32(c.Timeout.Milliseconds()), func(numHeaders, bodySize int) {
		land(readAnswer(numHeaders, bodySize))
	})
	switch status {
	case abi.OK:
		return host.NoFailure
	case abi.BadArgument:
		return host.UnknownCluster
	}
	return host.NoHost
}

// readAnswer judges a callout by its headers alone: proxy_get_status keeps the
// code of an earlier call. The host answers in the server's place with 502, 503
// or 504; only what passed the host's router carries serviceTime.
func readAnswer(numHeaders, bodySize int) host.Answer {
	if numHeaders == 0 {
		return host.Answer{Failure: host.ResetMidAnswer}
	}
	headers, ok := abi.Pairs(abi.CallResponseHeaders)
	if !ok {
		return host.Answer{Failure: host.FailureUnknown}
	}
	a := host.Answer{Failure: host.NoFailure, Headers: headers, BodySize: bodySize}
	a.Status = statusOf(a.Headers)
	if _, answered := a.Header(serviceTime); !answered {
		switch a.Status {
		case 502:
			return host.Answer{Failure: host.NotHTTP}
		case 503:
			return host.Answer{Failure: connectionFailure(bodySize)}
		case 504:
			return host.Answer{Failure: host.TimedOut}
		}
	}
	if bodySize > 0 && bodySize <= introspection.MaxAnswerBytes {
		body, status := abi.CallResponseBody(bodySize)
		if status != abi.OK {
			return host.Answer{Failure: host.ResetMidAnswer}
		}
		a.Body = body
	}
	return a
}

// connectionFailure tells a connection that could not be made, whatever was
// asked for, from one that ended after the request had been sent. Only the
// host's text shows which (Envoy: source/common/http/utility.cc,
// resetReasonToString); the text is the host's own, since what an upstream
// answers carries serviceTime.
func connectionFailure(bodySize int) host.Failure {
	if bodySize > 0 && bodySize <= maxHostText {
		body, status := abi.CallResponseBody(bodySize)
		if text := string(body); status == abi.OK && (strings.Contains(text, "connection failure") || strings.Contains(text, "connection timeout")) {
			return host.NoConnection
		}
	}
	return host.Unreachable
}

// maxHostText bounds the host's own text about a call that failed.
const maxHostText = 4 << 10

// serviceTime is set by Envoy's router on what an upstream answered.
const serviceTime = "x-envoy-upstream-service-time"
