package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	envoyconfig "github.com/sallyport-gateway/sallyport/envoy-config"
	"github.com/sallyport-gateway/sallyport/envoy-config/internal/quotaengine"
	"github.com/sallyport-gateway/sallyport/hostsim"
	"github.com/sallyport-gateway/sallyport/hostsim/gateway"
)

// quotaCluster is the engine's name in the gateway.
const quotaCluster = "ratelimit"

// startQuota starts the engine that counts the quota, if it is not the gateway itself.
func (d *Demo) startQuota(ctx context.Context, quota, clone string) (err error) {
	switch quota {
	case QuotaLocal:
		return nil
	case QuotaRedis:
	default:
		return fmt.Errorf("quota %q: want %s or %s", quota, QuotaLocal, QuotaRedis)
	}
	if d.quota, err = quotaengine.Start(ctx, clone, quotaengine.Domain()); err != nil {
		return err
	}
	d.onClose(d.quota.Stop)
	return nil
}

// quotaEndpoint is the engine as the simulated host reaches it; none if there is no engine.
func (d *Demo) quotaEndpoint() []hostsim.Option {
	if d.quota == nil {
		return nil
	}
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	d.onClose(func() error { transport.CloseIdleConnections(); return nil })
	return []hostsim.Option{hostsim.WithCluster(quotaCluster, gateway.Endpoint{
		Base: &url.URL{Scheme: "http", Host: d.quota.Address}, Transport: transport,
	})}
}

// addQuotaCluster gives Envoy the engine's cluster as it is shipped.
func (d *Demo) addQuotaCluster(bootstrap *envoyconfig.Document) error {
	if d.quota == nil {
		return nil
	}
	cluster, err := d.quota.Cluster()
	if err != nil {
		return err
	}
	at := envoyconfig.Path{"static_resources", "clusters"}
	clusters, _ := bootstrap.Get(at).([]any)
	bootstrap.Set(append(clusters, cluster), at)
	return bootstrap.Err()
}
