package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
)

// quotaService is envoyproxy/ratelimit with a Redis of its own, as docs/quota.md sets them up.
type quotaService struct {
	t           *testing.T
	dir         string
	redis, grpc int // ports
	binary      string
	redisRuns   *exec.Cmd
	serviceRuns *exec.Cmd
}

// needs is the path of a program, or the end of the test: a failure where CI=true, else a skip.
func needs(t *testing.T, program, install string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		missing(t, fmt.Sprintf("%s is not installed: %s", program, install))
	}
	return path
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func newQuotaService(t *testing.T) *quotaService {
	t.Helper()
	redis := needs(t, "redis-server", "make ratelimit")
	s := &quotaService{t: t, dir: t.TempDir(), redis: freePort(t), grpc: freePort(t)}
	s.binary = filepath.Join(s.dir, "ratelimit")
	if out, err := exec.CommandContext(t.Context(), "go", "-C", "../ratelimit", "build", "-o", s.binary, ".").CombinedOutput(); err != nil {
		missing(t, fmt.Sprintf("build the service (make ratelimit): %v\n%s", err, out))
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "config"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "config", "sallyport.yaml"), []byte("domain: sallyport\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill(s.serviceRuns)
		kill(s.redisRuns)
	})
	s.startRedis(redis)
	s.startService()
	return s
}

// startRedis starts it with a log of its own, so that its counts outlive it.
func (s *quotaService) startRedis(redis string) {
	s.t.Helper()
	s.redisRuns = s.start(exec.Command(redis, "--port", fmt.Sprint(s.redis), "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--dir", s.dir), s.redis)
}

func (s *quotaService) startService() {
	s.t.Helper()
	command := exec.Command(s.binary)
	command.Env = append(os.Environ(),
		"HOST=127.0.0.1", fmt.Sprintf("PORT=%d", freePort(s.t)), "DEBUG_HOST=127.0.0.1", fmt.Sprintf("DEBUG_PORT=%d", freePort(s.t)),
		"GRPC_HOST=127.0.0.1", fmt.Sprintf("GRPC_PORT=%d", s.grpc),
		"REDIS_SOCKET_TYPE=tcp", fmt.Sprintf("REDIS_URL=127.0.0.1:%d", s.redis), "BACKEND_TYPE=redis",
		"RUNTIME_ROOT="+s.dir, "RUNTIME_SUBDIRECTORY=", "RUNTIME_APPDIRECTORY=config", "RUNTIME_WATCH_ROOT=false",
		"USE_STATSD=false", "LOG_LEVEL=error", "EXPIRATION_JITTER_MAX_SECONDS=0")
	s.serviceRuns = s.start(command, s.grpc)
}

// start starts a server and waits until it listens.
func (s *quotaService) start(command *exec.Cmd, port int) *exec.Cmd {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, filepath.Base(command.Path)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	for {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			return command
		}
		if ctx.Err() != nil {
			said, _ := os.ReadFile(log.Name())
			s.t.Fatalf("%s does not listen: %v\n%s", command.Path, err, said)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// cluster is the shipped one, at this service.
func (s *quotaService) cluster() map[string]any {
	s.t.Helper()
	c, err := quotaCluster("ratelimit", fmt.Sprintf("127.0.0.1:%d", s.grpc))
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// quotaCluster is the shipped cluster of the engine of quotas, at the address host:port.
func quotaCluster(name, hostPort string) (map[string]any, error) {
	shipped, err := os.ReadFile("../quota-cluster.yaml")
	if err != nil {
		return nil, err
	}
	var c map[string]any
	if err := yaml.Unmarshal(shipped, &c); err != nil {
		return nil, err
	}
	address, err := envoyconfig.Address(hostPort)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", name, err)
	}
	c["@type"], c["name"] = clusterType, name
	member(c, "load_assignment").(map[string]any)["cluster_name"] = name
	member(c, "load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint").(map[string]any)["address"] = address
	return c, nil
}

func kill(command *exec.Cmd) {
	if command != nil && command.Process != nil {
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()
	}
}

// freePort is a port of loopback that nobody listens at. It is none of those that the kernel gives to connections by
// itself (from 32768 on Linux), so that it stays free until a server comes that is told its port, or comes again.
func freePort(t *testing.T) int {
	t.Helper()
	const from, to = 20_000, 30_000
	for range 100 {
		port := from + rand.IntN(to-from)
		if l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}
