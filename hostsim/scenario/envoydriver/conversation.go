package envoydriver

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

// serveTCP makes what stands behind a network filter.
func (i *instance) serveTCP(a scenario.Answer) (address string, err error) {
	if a.Fault == scenario.FaultRefuse {
		return i.serve(backendName, a)
	}
	if i.tcp, err = verbatim.NewBackend(); err != nil {
		return "", err
	}
	return i.tcp.Address(), nil
}

// Converse plays a conversation: see scenario.ConnectionInstance.
func (i *instance) Converse(ctx context.Context, moves []scenario.Move) (scenario.Result, error) {
	return i.exchange(ctx, func() (result scenario.Result, err error) {
		if result.Ends, err = verbatim.Converse(ctx, i.address, i.tcp, moves); err == nil {
			err = i.awaitClosed(ctx)
		}
		return result, err
	})
}

// closingTime bounds the wait for Envoy to close a connection: one that the guest holds it may keep.
const closingTime = time.Second

func (i *instance) awaitClosed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closingTime)
	defer cancel()
	open := "listener." + strings.ReplaceAll(i.address, ":", "_") + ".downstream_cx_active"
	err := i.driver.envoy.Poll(ctx, func() (bool, error) {
		now, err := i.driver.envoy.Stats(ctx, "^"+regexp.QuoteMeta(open)+"$")
		return now.Number[open] == 0, err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
