package envoyrun

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// acceptTimeout bounds how long Envoy takes to take over a change. A new module is compiled in it: about a second of CPU
// a MiB.
const acceptTimeout = 60 * time.Second

// Publish puts a discovery response into dir, where Envoy sees it whole: it watches for renames.
func Publish(dir, file string, version int, resources []any) error {
	body, err := json.Marshal(map[string]any{"version_info": strconv.Itoa(version), "resources": resources})
	if err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	next := filepath.Join(dir, file+".next")
	if err := os.WriteFile(next, body, 0o600); err != nil {
		return fmt.Errorf("publish %s: %w", file, err)
	}
	if err := os.Rename(next, filepath.Join(dir, file)); err != nil {
		return fmt.Errorf("publish %s: %w", file, err)
	}
	return nil
}

// Offer is a new version of the resources in a discovery file.
type Offer struct {
	Dir, File string
	Version   int
	Resources []any
	// Subscription is the prefix of Envoy's statistics about the file, such as listener_manager.lds.
	Subscription string
	// Listeners is how many listeners must have begun to work, counted once for each worker.
	Listeners int
}

// Offer publishes resources and reports whether Envoy took them; false means that it refused.
func (p *Process) Offer(ctx context.Context, o Offer) (accepted bool, err error) {
	const created = "listener_manager.listener_create_success"
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	filter := `^(` + o.Subscription + `\.(version_text|update_rejected)|` + created + `)$`
	before, err := p.Stats(ctx, filter)
	if err != nil {
		return false, err
	}
	if err := Publish(o.Dir, o.File, o.Version, o.Resources); err != nil {
		return false, err
	}
	err = p.Poll(ctx, func() (bool, error) {
		now, err := p.Stats(ctx, filter)
		if err != nil {
			return false, err
		}
		if now.Number[o.Subscription+".update_rejected"] > before.Number[o.Subscription+".update_rejected"] {
			return true, nil
		}
		accepted = now.Text[o.Subscription+".version_text"] == strconv.Itoa(o.Version) &&
			now.Number[created] >= before.Number[created]+uint64(o.Listeners)
		return accepted, nil
	})
	if err != nil {
		return false, fmt.Errorf("offer %s: %w", o.File, err)
	}
	return accepted, nil
}
