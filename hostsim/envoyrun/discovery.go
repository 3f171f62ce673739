package envoyrun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	// acceptTimeout bounds how long Envoy may take to adopt a change. It includes compiling a new module: about a second
	// of CPU per MiB.
	acceptTimeout = 60 * time.Second
	// drainTimeout bounds the end of listeners that were replaced or removed.
	drainTimeout = 30 * time.Second

	listenersFile = "lds.json"
	clustersFile  = "cds.json"
)

// Dynamic is an Envoy that reads listeners and clusters from files and follows their changes. Only one goroutine at a
// time may change them.
type Dynamic struct {
	*Process
	dir     string
	version int // of what was published last
}

// DynamicOptions say how to run a Dynamic. Config and ConfigFile of Options are not used.
type DynamicOptions struct {
	Options
	Node     string // its id and cluster
	Stats    []any  // StringMatchers: the only statistics that Envoy keeps; nil for all
	Clusters []any  // there from the start
}

// StartDynamic runs an Envoy without listeners but for firstVM. Stop ends it.
func StartDynamic(ctx context.Context, o DynamicOptions) (*Dynamic, error) {
	dir, err := os.MkdirTemp("", "envoy-discovery-*")
	if err != nil {
		return nil, fmt.Errorf("make a folder for discovery files: %w", err)
	}
	d := &Dynamic{dir: dir}
	err = errors.Join(d.Publish(clustersFile, o.Clusters), d.Publish(listenersFile, nil))
	if err == nil {
		o.Config, err = o.bootstrap(dir)
	}
	if err == nil {
		d.Process, err = Start(ctx, o.Options)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return d, nil
}

func (o DynamicOptions) bootstrap(dir string) ([]byte, error) {
	source := func(file string) any {
		return map[string]any{"path_config_source": map[string]any{"path": filepath.Join(dir, file)}}
	}
	config := map[string]any{
		"node": map[string]any{"id": o.Node, "cluster": o.Node},
		"admin": map[string]any{"address": map[string]any{"socket_address": map[string]any{
			"address": "127.0.0.1", "port_value": 0}}},
		"static_resources":  map[string]any{"listeners": []any{firstVM()}},
		"dynamic_resources": map[string]any{"lds_config": source(listenersFile), "cds_config": source(clustersFile)},
	}
	if o.Stats != nil {
		config["stats_config"] = map[string]any{"stats_matcher": map[string]any{
			"inclusion_list": map[string]any{"patterns": o.Stats}}}
	}
	body, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode the bootstrap: %w", err)
	}
	return body, nil
}

// Path is the path of the discovery file with that name.
func (d *Dynamic) Path(file string) string { return filepath.Join(d.dir, file) }

// Stop ends Envoy.
func (d *Dynamic) Stop() error { return errors.Join(d.Process.Stop(), os.RemoveAll(d.dir)) }

// Publish writes the next version of a discovery file. Envoy sees it whole: it watches for renames.
func (d *Dynamic) Publish(file string, resources []any) error {
	if resources == nil {
		resources = []any{}
	}
	body, err := json.Marshal(map[string]any{"version_info": strconv.Itoa(d.version), "resources": resources})
	if err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	next := d.Path(file + ".next")
	if err := os.WriteFile(next, body, 0o600); err != nil {
		return fmt.Errorf("publish %s: %w", file, err)
	}
	if err := os.Rename(next, d.Path(file)); err != nil {
		return fmt.Errorf("publish %s: %w", file, err)
	}
	return nil
}

// OfferClusters replaces all clusters and reports whether Envoy took them.
func (d *Dynamic) OfferClusters(ctx context.Context, all []any) (bool, error) {
	return d.Offer(ctx, Offer{File: clustersFile, Resources: all, Subscription: "cluster_manager.cds"})
}

// OfferListeners replaces all listeners and reports whether Envoy took them. It returns when fresh listeners have begun
// to work, counted once for each worker.
func (d *Dynamic) OfferListeners(ctx context.Context, all []any, fresh int) (bool, error) {
	return d.Offer(ctx, Offer{File: listenersFile, Resources: all, Subscription: "listener_manager.lds", Listeners: fresh})
}

// Drained waits until all listeners that were replaced or removed have ended.
func (d *Dynamic) Drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	return d.Poll(ctx, func() (bool, error) {
		now, err := d.Stats(ctx, `^listener_manager\.total_(listeners|filter_chains)_draining$`)
		for _, n := range now.Number {
			if n > 0 {
				return false, err
			}
		}
		return err == nil, err
	})
}

// Offer is a new version of the resources in a discovery file.
type Offer struct {
	File      string
	Resources []any
	// Subscription is the prefix of Envoy's statistics about the file, such as listener_manager.lds.
	Subscription string
	// Listeners is how many listeners must have begun to work, counted once for each worker.
	Listeners int
}

// Offer publishes resources and reports whether Envoy took them; false means that it refused.
func (d *Dynamic) Offer(ctx context.Context, o Offer) (accepted bool, err error) {
	const created = "listener_manager.listener_create_success"
	ctx, cancel := context.WithTimeout(ctx, acceptTimeout)
	defer cancel()
	filter := `^(` + o.Subscription + `\.(version_text|update_rejected)|` + created + `)$`
	before, err := d.Stats(ctx, filter)
	if err != nil {
		return false, err
	}
	d.version++
	if err := d.Publish(o.File, o.Resources); err != nil {
		return false, err
	}
	err = d.Poll(ctx, func() (bool, error) {
		now, err := d.Stats(ctx, filter)
		if err != nil {
			return false, err
		}
		if now.Number[o.Subscription+".update_rejected"] > before.Number[o.Subscription+".update_rejected"] {
			return true, nil
		}
		accepted = now.Text[o.Subscription+".version_text"] == strconv.Itoa(d.version) &&
			now.Number[created] >= before.Number[created]+uint64(o.Listeners)
		return accepted, nil
	})
	if err != nil {
		return false, fmt.Errorf("offer %s: %w", o.File, err)
	}
	return accepted, nil
}
