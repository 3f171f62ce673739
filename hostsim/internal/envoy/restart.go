package envoy

import (
	"errors"
	"fmt"
)

// Restart plays an Envoy that was killed and started again.
func (p *Process) Restart() error {
	listeners := p.inOrderOfStart()
	var errs []error
	for _, h := range listeners {
		errs = append(errs, h.kill())
	}
	p.Machine.Forget()
	for _, h := range listeners {
		if err := h.revive(); err != nil {
			errs = append(errs, fmt.Errorf("restart plugin %s: %w", h.Config.Name, err))
		}
	}
	p.Loop.Settle()
	return errors.Join(errs...)
}

// kill ends all VMs of the host without notifying them.
func (h *Listener) kill() error {
	h.mu.Lock()
	generations := append(h.draining, h.current)
	h.draining = nil
	h.mu.Unlock()
	var errs []error
	for _, g := range generations {
		for _, in := range g.instances {
			in.thread.Run(func() {
				errs = append(errs, in.Guest.Close())
				for _, r := range in.inOrder() {
					r.ProcessGone()
				}
				in.Root.forget()
			})
		}
	}
	return errors.Join(errs...)
}

// revive starts the plugin with the configuration that was in force.
func (h *Listener) revive() error {
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
