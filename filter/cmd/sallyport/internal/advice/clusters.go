package advice

import (
	"go.yaml.in/yaml/v3"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/document"
)

// Clusters gives the names of the static clusters of an Envoy bootstrap, and whether more can come from elsewhere.
func Clusters(bootstrap *yaml.Node) (names []string, dynamic bool) {
	names = []string{}
	for _, c := range document.Items(document.Member(document.Member(bootstrap, "static_resources"), "clusters")) {
		names = append(names, document.Text(c, "name"))
	}
	resources := document.Member(bootstrap, "dynamic_resources")
	return names, document.Member(resources, "cds_config") != nil || document.Member(resources, "ads_config") != nil
}
