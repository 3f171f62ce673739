package hostsim

import (
	"errors"
	"fmt"
	"slices"
)

// Restart plays an Envoy that was killed and started again. Streams in flight are reset and callouts dropped, and no
// guest is told: no log, done or delete. Shared data, queues and metrics are gone. Then every plugin starts as at first,
// with the configuration that it has now; clusters, clock and log stay. The error joins what New would say of each
// plugin that does not start; its streams are answered as those of a crashed VM.
//
// Exchanges that were begun before may be waited for: they end with a Response that says Reset.
func (p *Process) Restart() error {
	p.mu.Lock()
	hosts := make([]*Host, 0, len(p.hosts))
	for h := range p.hosts {
		hosts = append(hosts, h)
	}
	p.mu.Unlock()
	slices.SortFunc(hosts, func(a, b *Host) int { return a.number - b.number })
	var errs []error
	for _, h := range hosts {
		errs = append(errs, h.kill())
	}
	p.machine.forget()
	for _, h := range hosts {
		if err := h.revive(); err != nil {
			errs = append(errs, fmt.Errorf("restart plugin %s: %w", h.config.name, err))
		}
	}
	p.loop.Settle()
	return errors.Join(errs...)
}

// kill ends all VMs of the host without a word to them.
func (h *Host) kill() error {
	h.mu.Lock()
	generations := append(h.draining, h.current)
	h.draining = nil
	h.mu.Unlock()
	var errs []error
	for _, g := range generations {
		for _, in := range g.instances {
			in.thread.Run(func() {
				errs = append(errs, in.guest.Close())
				for _, s := range inOrder(in.streams) {
					s.cut("downstream_remote_disconnect")
				}
				for _, c := range inOrder(in.connections) {
					c.close(closing{how: closedRemotely, reset: true})
				}
				in.root.forget()
			})
		}
	}
	return errors.Join(errs...)
}

// revive starts the plugin with the configuration that was in force.
func (h *Host) revive() error {
	h.stats.reset()
	h.mu.Lock()
	config := h.current.config
	h.nextID = 0
	h.mu.Unlock()
	g, err := h.startGeneration(config)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.current = g
	return nil
}
