package envoydriver

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-gateway/sallyport/hostsim/envoyrun"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario"
	"github.com/sallyport-gateway/sallyport/hostsim/scenario/verbatim"
)

const (
	// settleTimeout bounds the wait for the end of an exchange after its response; a callout that nobody waits for
	// any more may take this long.
	settleTimeout = 15 * time.Second
	backendName   = "backend"
	metricPrefix  = "wasmcustom."
)

// instance is one scenario's part of the Envoy.
type instance struct {
	driver   *Driver
	id       string
	logged   *regexp.Regexp // what Envoy puts before lines of the guest and other plugins
	plain    func(cluster string) bool
	listener any
	clusters []any
	names    []string          // of clusters
	older    map[string]uint64 // counts of earlier clusters of the same names
	address  string            // of the listener, host:port
	servers  map[string]server // by the file's name of the cluster; those with static faults have none
	backend  *verbatim.Server
	tcp      *verbatim.Backend // instead of backend, behind a network filter
	ports    []func() error    // closed ports to give back
	closed   bool
	traffic  *traffic // nil when no request is under way beside others
}

var _ scenario.ConnectionInstance = (*instance)(nil)

// prepare starts the servers and makes Envoy's resources.
func (i *instance) prepare(s scenario.Setup, o Options) error {
	var err error
	if i.backend, err = verbatim.NewServer(s.Upstream); err != nil {
		return err
	}
	address := i.backend.Address()
	if s.Settings.Network {
		if address, err = i.serveTCP(s.Upstream); err != nil {
			return err
		}
	}
	if err := i.addCluster(Cluster{Name: i.backendCluster(), Address: address, Backend: true, Properties: s.Properties}); err != nil {
		return err
	}
	for name, answer := range s.Clusters {
		if answer.Fault == scenario.FaultUnknown {
			continue
		}
		address, err := i.serve(name, answer)
		if err != nil {
			return err
		}
		if err := i.addCluster(Cluster{Name: i.ClusterName(name), Address: address, HTTP2: answer.GRPC}); err != nil {
			return err
		}
	}
	l := Listener{
		Name: i.id, Backend: i.backendCluster(), Module: o.Module, RootID: o.RootID, Config: s.Config, Env: s.Env,
		Settings: s.Settings, Properties: s.Properties, Network: s.Settings.Network,
	}
	if err := l.others(s, o.Modules); err != nil {
		return err
	}
	i.logged = l.logPrefix()
	i.listener, err = l.resource(o)
	return err
}

// server is what stands behind a cluster.
type server interface {
	Address() string
	SetAnswer(scenario.Answer)
	Take() []scenario.Request
	Total() uint64
	Close() error
}

func newServer(a scenario.Answer) (server, error) {
	if a.GRPC {
		return verbatim.NewGRPCServer(a)
	}
	return verbatim.NewServer(a)
}

// serve makes what stands behind a cluster; without an endpoint the address is empty.
func (i *instance) serve(name string, answer scenario.Answer) (address string, err error) {
	switch answer.Fault {
	case scenario.FaultNoEndpoints:
		return "", nil
	case scenario.FaultRefuse:
		address, release, err := verbatim.ClosedPort()
		if err == nil {
			i.ports = append(i.ports, release)
		}
		return address, err
	}
	s, err := newServer(answer)
	if err != nil {
		return "", err
	}
	i.servers[name] = s
	return s.Address(), nil
}

func (i *instance) addCluster(c Cluster) error {
	for _, other := range i.driver.instances {
		if !other.closed && slices.Contains(other.names, c.Name) {
			return fmt.Errorf("cluster %s is another scenario's that is under way: write ${cluster.%s} in one of them", c.Name, c.Name)
		}
	}
	resource, err := c.resource(i.driver.options)
	i.clusters, i.names = append(i.clusters, resource), append(i.names, c.Name)
	return err
}

// ClusterName is unique in the Envoy, unless the file needs the name itself; see scenario.Instance. The backend's cluster cannot be met: "_" is not part of
// a scenario's id.
func (i *instance) ClusterName(name string) string {
	if i.plain(name) {
		return name
	}
	return i.own(name)
}

func (i *instance) own(name string) string { return name + "-" + i.id }

func (i *instance) backendCluster() string { return "_" + i.own(backendName) }

// Do is one exchange, over a connection of its own; see scenario.Instance.
func (i *instance) Do(ctx context.Context, r scenario.Request) (scenario.Result, error) {
	return i.exchange(ctx, func() (result scenario.Result, err error) {
		before, err := i.counts(ctx)
		if err != nil {
			return result, err
		}
		if result.Response, err = verbatim.Send(ctx, i.address, r); err != nil {
			return result, err
		}
		if err := i.settle(ctx, before, 1); err != nil {
			return result, fmt.Errorf("wait for the end of the exchange: %w", err)
		}
		return result, nil
	})
}

// exchange adds to the result of play what was seen elsewhere.
func (i *instance) exchange(ctx context.Context, play func() (scenario.Result, error)) (scenario.Result, error) {
	i.driver.mu.Lock()
	defer i.driver.mu.Unlock()
	envoy := i.driver.envoy
	if err := i.driver.reports.begin(ctx, envoy.Process); err != nil {
		return scenario.Result{}, err
	}
	i.takeAll()
	mark := envoy.Log().Len()
	result, err := play()
	if err != nil {
		return scenario.Result{}, err
	}
	i.driver.reports.end()
	if err := envoy.Log().Sync(ctx); err != nil {
		return scenario.Result{}, err
	}
	var toBackend []scenario.Request
	result.Calls, toBackend = i.takeAll()
	result.Log = i.guestLines(envoy.Log().Since(mark))
	switch len(toBackend) {
	case 0:
	case 1:
		result.Backend = &toBackend[0]
	default:
		return result, fmt.Errorf("the backend saw %d requests of one exchange", len(toBackend))
	}
	return result, nil
}

func (i *instance) takeAll() (calls map[string][]scenario.Request, backend []scenario.Request) {
	calls = map[string][]scenario.Request{}
	for name, s := range i.servers {
		if seen := s.Take(); len(seen) > 0 {
			calls[name] = seen
		}
	}
	return calls, i.backend.Take()
}

// streams is the name of a count of requests.
func (i *instance) streams(what string) string { return "http." + i.id + ".downstream_rq_" + what }

// requests is the name of the count of a cluster.
func requests(cluster string) string { return "cluster." + cluster + ".upstream_rq_total" }

// counts are Envoy's numbers of requests, in all and under way, at this scenario's listener and clusters.
func (i *instance) counts(ctx context.Context) (envoyrun.Stats, error) {
	return i.driver.envoy.Stats(ctx, `^(http\.`+i.id+`|cluster\.(`+strings.Join(i.names, "|")+`))\.(up|down)stream_rq_(total|active)$`)
}

// settle waits until nothing of so many requests is left: the streams are gone (Envoy writes its access log, and calls the
// guest's on_log, before that), no callout is in the air, and the servers have read all that Envoy sent them.
func (i *instance) settle(ctx context.Context, before envoyrun.Stats, sent int) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	streams := i.streams("total")
	return i.driver.envoy.Poll(ctx, func() (bool, error) {
		now, err := i.counts(ctx)
		if err != nil {
			return false, err
		}
		for name, value := range now.Number {
			if strings.HasSuffix(name, "_active") && value > 0 {
				return false, nil
			}
		}
		read := func(cluster string, s server) bool {
			return s.Total() >= now.Number[requests(cluster)]-i.older[requests(cluster)]
		}
		for name, s := range i.servers {
			if !read(i.ClusterName(name), s) {
				return false, nil
			}
		}
		return now.Number[streams] >= before.Number[streams]+uint64(sent) && read(i.backendCluster(), i.backend), nil
	})
}

// guestLines are the lines of this scenario's plugins.
func (i *instance) guestLines(lines []envoyrun.Line) []scenario.LogLine {
	var out []scenario.LogLine
	for _, l := range lines {
		if at := i.logged.FindStringIndex(l.Text); l.Logger == "wasm" && at != nil {
			out = append(out, scenario.LogLine{Level: level(l.Level), Message: l.Text[at[1]:]})
		}
	}
	return out
}

// level is the scenarios' word for Envoy's.
func level(envoy string) string {
	if envoy == "warning" {
		return "warn"
	}
	return envoy
}

// SetCluster and SetUpstream change an answer; see scenario.Instance.
func (i *instance) SetCluster(name string, a scenario.Answer) { i.servers[name].SetAnswer(a) }

func (i *instance) SetUpstream(a scenario.Answer) { i.backend.SetAnswer(a) }

func (i *instance) Now() time.Time { return time.Now() }

// Advance waits: the clock is real.
func (i *instance) Advance(d time.Duration) { time.Sleep(d) }

// Metrics are those of all scenarios of this Envoy together, with all that their guests count: differences mean something,
// values do not.
func (i *instance) Metrics(ctx context.Context) (map[string]int64, error) {
	defer i.lock()()
	return i.driver.reports.wait(ctx, i.driver.envoy.Process)
}

// Close ends the servers. The listener goes when the next scenario comes.
func (i *instance) Close() error {
	i.abandon()
	i.driver.mu.Lock()
	defer i.driver.mu.Unlock()
	return i.release()
}

func (i *instance) release() error {
	if i.closed {
		return nil
	}
	i.closed = true
	var errs []error
	if i.backend != nil {
		errs = append(errs, i.backend.Close())
	}
	if i.tcp != nil {
		errs = append(errs, i.tcp.Close())
	}
	for _, s := range i.servers {
		errs = append(errs, s.Close())
	}
	for _, free := range i.ports {
		errs = append(errs, free())
	}
	return errors.Join(errs...)
}
