package hostsim

import (
	"errors"
	"fmt"
)

// restart plays an Envoy that was killed and started again.
func (p *envoyProcess) restart() error {
	listeners := p.inOrderOfStart()
	var errs []error
	for _, h := range listeners {
		errs = append(errs, h.kill())
	}
	p.machine.forget()
	for _, h := range listeners {
		if err := h.revive(); err != nil {
			errs = append(errs, fmt.Errorf("restart plugin %s: %w", h.config.name, err))
		}
	}
	p.loop.Settle()
	return errors.Join(errs...)
}

// kill ends all VMs of the host without a word to them.
func (h *listener) kill() error {
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
func (h *listener) revive() error {
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
