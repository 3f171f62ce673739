package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// plugin is a guest with its configuration and environment, as the flags of trace and run name them.
type plugin struct {
	*guest
	config string
	env    []string
}

func addPlugin(c *cobra.Command) *plugin {
	p := &plugin{guest: addGuest(c)}
	addFile(c, &p.config, "config", "the plugin's configuration: YAML is passed on as JSON, anything else as it is", "yaml", "yml", "json")
	c.Flags().StringArrayVar(&p.env, "env", nil, "NAME=VALUE for the VM's environment, or NAME to pass on this process's value; repeatable")
	return p
}

// environment reads --env. A value never appears in a message.
func (p *plugin) environment() (map[string]string, error) {
	out := map[string]string{}
	taken := map[string]bool{}
	for _, text := range p.env {
		if !strings.Contains(text, "=") {
			value, ok := os.LookupEnv(text)
			if !ok {
				return nil, fmt.Errorf("--env %s: there is no such variable in the environment: export it, or write %s=VALUE", text, text)
			}
			text += "=" + value
		}
		name, value, err := pair("env", text, taken)
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

// options are those of the host that the flags decide.
func (p *plugin) options() ([]hostsim.Option, error) {
	config, err := readConfig(p.config)
	if err != nil {
		return nil, err
	}
	env, err := p.environment()
	if err != nil {
		return nil, err
	}
	return []hostsim.Option{
		hostsim.WithProfile(p.profile.value), hostsim.WithRootID(p.rootID), hostsim.WithConfig(config), hostsim.WithEnv(env),
		hostsim.WithConnectionManager(hostsim.ConnectionManager{UseRemoteAddress: true}),
	}, nil
}

// start compiles the module and starts it. A guest that refuses its configuration is a failure found.
func (p *plugin) start(ctx context.Context, options []hostsim.Option) (*hostsim.Host, func() error, error) {
	module, err := p.compile(ctx)
	if err != nil {
		return nil, nil, err
	}
	host, err := module.New(ctx, options...)
	if err != nil {
		return nil, nil, errors.Join(p.startError(err), module.Close(ctx))
	}
	return host, func() error {
		ctx := context.WithoutCancel(ctx)
		return errors.Join(host.Process().Close(ctx), module.Close(ctx))
	}, nil
}

func (p *plugin) startError(err error) error {
	var refused *hostsim.ConfigError
	if !errors.As(err, &refused) {
		return p.refused(err)
	}
	text := fmt.Sprintf("the filter does not start with %s: %s", orNone(p.config, "no configuration (--config)"), refused.Reason)
	for _, l := range refused.Log {
		text += "\n  " + l.Level.String() + ": " + printable(l.Message)
	}
	return found("%s", text)
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}
