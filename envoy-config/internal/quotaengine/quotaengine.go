// Package quotaengine runs the quota engine on this machine: envoyproxy/ratelimit with a Redis of its own, as
// docs/quota.md sets them up.
package quotaengine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
)

// ErrMissing is for a machine without Redis or without the service.
var ErrMissing = errors.New("the quota engine is not installed: make ratelimit")

// patience bounds how long either of them may take to listen.
const patience = 10 * time.Second

// clusterFile is the shipped cluster, below the root of the clone.
const clusterFile = "envoy-config/quota-cluster.yaml"

// Engine is a running service. Stop ends it.
type Engine struct {
	Address string // of its gRPC, on loopback

	root string // of the clone
	dir  string
	runs []*exec.Cmd // Redis, then the service
}

// Domain is the file of the service for Sallyport: the limits come with the calls.
func Domain() map[string]string { return map[string]string{"sallyport.yaml": "domain: sallyport\n"} }

// Start starts Redis and the service of the clone at root, with these files of
// configuration, by name, and returns when both listen. Without them it fails with
// ErrMissing.
func Start(ctx context.Context, root string, files map[string]string) (e *Engine, err error) {
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, ErrMissing
	}
	service := filepath.Join(root, "build", "ratelimit")
	if _, err := os.Stat(service); err != nil {
		return nil, ErrMissing
	}
	e = &Engine{root: root}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.Stop())
			e = nil
		}
	}()
	if e.dir, err = os.MkdirTemp("", "sallyport-quota-*"); err != nil {
		return e, fmt.Errorf("make the engine's folder: %w", err)
	}
	config := filepath.Join(e.dir, "config")
	if err := os.Mkdir(config, 0o700); err != nil {
		return e, fmt.Errorf("make the engine's folder: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(config, name), []byte(text), 0o600); err != nil {
			return e, fmt.Errorf("write the engine's configuration: %w", err)
		}
	}
	return e, e.start(ctx, redis, service)
}

func (e *Engine) start(ctx context.Context, redis, service string) error {
	var ports [4]string
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return err
		}
	}
	store := exec.Command(redis, "--port", ports[0], "--bind", "127.0.0.1", "--save", "", "--dir", e.dir) //nolint:noctx // Stop ends it
	if err := e.run(ctx, store, ports[0]); err != nil {
		return err
	}
	limiter := exec.Command(service) //nolint:noctx // Stop ends it
	limiter.Env = append(os.Environ(),
		"HOST=127.0.0.1", "PORT="+ports[1], "DEBUG_HOST=127.0.0.1", "DEBUG_PORT="+ports[2], "GRPC_HOST=127.0.0.1", "GRPC_PORT="+ports[3],
		"REDIS_SOCKET_TYPE=tcp", "REDIS_URL=127.0.0.1:"+ports[0], "BACKEND_TYPE=redis",
		"RUNTIME_ROOT="+e.dir, "RUNTIME_SUBDIRECTORY=", "RUNTIME_APPDIRECTORY=config", "RUNTIME_WATCH_ROOT=false",
		"USE_STATSD=false", "DISABLE_STATS=true", "LOG_LEVEL=error")
	e.Address = "127.0.0.1:" + ports[3]
	return e.run(ctx, limiter, ports[3])
}

// run starts a server and waits until it listens.
func (e *Engine) run(ctx context.Context, command *exec.Cmd, port string) error {
	command.SysProcAttr = envoyrun.DieWithParent()
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", command.Path, err)
	}
	e.runs = append(e.runs, command)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", "127.0.0.1:"+port)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w", command.Path, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// PIDs are the processes: Redis, then the service.
func (e *Engine) PIDs() (ids []int) {
	for _, c := range e.runs {
		ids = append(ids, c.Process.Pid)
	}
	return ids
}

// Cluster is the shipped cluster for Envoy, pointing at this service.
func (e *Engine) Cluster() (map[string]any, error) {
	text, err := os.ReadFile(filepath.Join(e.root, clusterFile))
	if err != nil {
		return nil, fmt.Errorf("read the engine's cluster: %w", err)
	}
	var c map[string]any
	if err := yaml.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("read the engine's cluster: %w", err)
	}
	address, err := envoyconfig.Address(e.Address)
	if err != nil {
		return nil, err
	}
	c["load_assignment"] = map[string]any{"cluster_name": c["name"], "endpoints": []any{
		map[string]any{"lb_endpoints": []any{map[string]any{"endpoint": map[string]any{"address": address}}}},
	}}
	return c, nil
}

// Stop ends the service and Redis, and forgets all counts.
func (e *Engine) Stop() error {
	for i := len(e.runs) - 1; i >= 0; i-- {
		_ = e.runs[i].Process.Kill() // it may have ended
		_ = e.runs[i].Wait()
	}
	e.runs = nil
	if e.dir == "" {
		return nil
	}
	return os.RemoveAll(e.dir)
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // for a moment
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
