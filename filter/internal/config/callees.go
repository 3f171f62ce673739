package config

import (
	"strconv"

	"github.com/sallyport-gateway/sallyport/filter/internal/policy"
)

// Callee is a server that a configuration names, and the step that does.
type Callee struct {
	policy.Callee
	// Path is where the configuration names the cluster, as in a Problem.
	Path string
	// Off is for a step that is not enabled.
	Off bool

	options map[string]any
}

// Callees are the servers that the steps of a configuration call, in their
// order, as each kind of step names them. root is a configuration that Load
// takes, decoded from JSON. Only the command line uses it.
func Callees(root any) (all []Callee) {
	document, _ := root.(map[string]any)
	all = calleesOf("sequence", document["sequence"])
	apis, _ := document["apis"].([]any)
	for i, api := range apis {
		members, _ := api.(map[string]any)
		all = append(all, calleesOf("apis["+strconv.Itoa(i)+"].sequence", members["sequence"])...)
	}
	return all
}

func calleesOf(path string, sequence any) (all []Callee) {
	items, _ := sequence.([]any)
	for i, item := range items {
		members, _ := item.(map[string]any)
		for name, value := range members {
			options, _ := value.(map[string]any)
			s := stepCalled(name)
			if s == nil {
				continue
			}
			kind, ok := s.kind.(policy.Calling)
			if !ok {
				continue
			}
			for _, c := range kind.Callees(options) {
				all = append(all, Callee{
					Callee:  c,
					Path:    path + "[" + strconv.Itoa(i) + "]." + name + "." + c.Member,
					Off:     options["enabled"] == false,
					options: options,
				})
			}
		}
	}
	return all
}

// Rename changes the name of the cluster in the configuration that Callees was
// given.
func (c Callee) Rename(cluster string) { policy.SetOptionText(c.options, c.Member, cluster) }
