package pipeline

import "github.com/sallyport-gateway/sallyport/filter/internal/host"

// The host's types, by the names that policies know them by.
type (
	Header     = host.Header
	Callout    = host.Callout
	Answer     = host.Answer
	Failure    = host.Failure
	Dispatcher = host.Dispatcher
	Metrics    = host.Metrics
	NoMetrics  = host.NoMetrics
	Peers      = host.Peers
	NoPeers    = host.NoPeers
	Background = host.Background
)

// How a callout ends; see host.Failure.
const (
	FailureUnknown = host.FailureUnknown
	NoFailure      = host.NoFailure
	UnknownCluster = host.UnknownCluster
	NoHost         = host.NoHost
	Unreachable    = host.Unreachable
	TimedOut       = host.TimedOut
	ResetMidAnswer = host.ResetMidAnswer
	NotHTTP        = host.NotHTTP
	NoConnection   = host.NoConnection
)
