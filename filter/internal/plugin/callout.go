package plugin

import (
	"strings"

	"github.com/sallyport-gateway/sallyport/filter/internal/abi"
	"github.com/sallyport-gateway/sallyport/filter/internal/pipeline"
	"github.com/sallyport-gateway/sallyport/filter/internal/policy/introspection"
)

// Dispatch sends a callout; see engine.Host.
func (h *host) Dispatch(c pipeline.Callout, land func(pipeline.Answer)) pipeline.Failure {
	request := make([]pipeline.Header, 0, 3+len(c.Headers))
	request = append(request, pipeline.Header{Name: ":method", Value: c.Method}, pipeline.Header{Name: ":path", Value: c.Path},
		pipeline.Header{Name: ":authority", Value: c.Authority})
	request = append(request, c.Headers...)
	status := abi.HTTPCall(h.root, c.Cluster, request, c.Body, uint32(c.Timeout.Milliseconds()), func(numHeaders, bodySize int) {
		land(readAnswer(numHeaders, bodySize))
	})
	switch status {
	case abi.OK:
		return pipeline.NoFailure
	case abi.BadArgument:
		return pipeline.UnknownCluster
	}
	return pipeline.NoHost
}

// readAnswer judges a callout by its headers alone: proxy_get_status keeps the
// code of an earlier call. The host answers in the server's place with 502, 503
// or 504; only what passed the host's router carries serviceTime.
func readAnswer(numHeaders, bodySize int) pipeline.Answer {
	if numHeaders == 0 {
		return pipeline.Answer{Failure: pipeline.ResetMidAnswer}
	}
	headers, ok := abi.Pairs(abi.CallResponseHeaders)
	if !ok {
		return pipeline.Answer{Failure: pipeline.FailureUnknown}
	}
	a := pipeline.Answer{Failure: pipeline.NoFailure, Headers: headers, BodySize: bodySize}
	a.Status = statusOf(a.Headers)
	if _, answered := a.Header(serviceTime); !answered {
		switch a.Status {
		case 502:
			return pipeline.Answer{Failure: pipeline.NotHTTP}
		case 503:
			return pipeline.Answer{Failure: connectionFailure(bodySize)}
		case 504:
			return pipeline.Answer{Failure: pipeline.TimedOut}
		}
	}
	if bodySize > 0 && bodySize <= introspection.MaxAnswerBytes {
		body, status := abi.CallResponseBody(bodySize)
		if status != abi.OK {
			return pipeline.Answer{Failure: pipeline.ResetMidAnswer}
		}
		a.Body = body
	}
	return a
}

// connectionFailure tells a connection that could not be made, whoever asks for
// what, from one that ended when the request had been sent. Only the host's text
// says so (Envoy: source/common/http/utility.cc, resetReasonToString); the text
// is the host's own, since what an upstream answers carries serviceTime.
func connectionFailure(bodySize int) pipeline.Failure {
	if bodySize > 0 && bodySize <= maxHostText {
		body, status := abi.CallResponseBody(bodySize)
		if text := string(body); status == abi.OK && (strings.Contains(text, "connection failure") || strings.Contains(text, "connection timeout")) {
			return pipeline.NoConnection
		}
	}
	return pipeline.Unreachable
}

// maxHostText bounds the host's own text about a call that failed.
const maxHostText = 4 << 10

// serviceTime is set by Envoy's router on what an upstream answered.
const serviceTime = "x-envoy-upstream-service-time"
