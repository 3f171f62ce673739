package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/hostsim"
)

// guest is a module to run, as the flags of test, trace and run name it.
type guest struct {
	wasm, rootID, cache string
	profile             *choice
}

func addGuest(c *cobra.Command) *guest {
	g := &guest{profile: addProfile(c)}
	addFile(c, &g.wasm, "wasm", "the filter's module (required)", "wasm")
	c.Flags().StringVar(&g.rootID, "root-id", "", "root_id of the plugin")
	c.Flags().StringVar(&g.cache, "cache-dir", "", "folder for compiled modules (default: below the user's cache folder)")
	must(c.MarkFlagDirname("cache-dir"))
	require(c, "wasm")
	return g
}

// compile reads and compiles the module, and checks that the Envoy version would load it. A refusal is a failure found.
func (g *guest) compile(ctx context.Context) (*hostsim.Module, error) {
	wasm, err := readModule(g.wasm)
	if err != nil {
		return nil, err
	}
	cache, err := g.cacheDir()
	if err != nil {
		return nil, err
	}
	module, err := hostsim.Compile(ctx, wasm, hostsim.CompileOptions{CacheDir: cache})
	if err != nil {
		return nil, g.refused(err)
	}
	if err := module.Check(ctx, g.profile.value); err != nil {
		return nil, errors.Join(g.refused(err), module.Close(ctx))
	}
	return module, nil
}

func (g *guest) refused(err error) error {
	var load *hostsim.LoadError
	if !errors.As(err, &load) {
		return err
	}
	return found("Envoy %s would not load %s: %s: see 'hostsim inspect %s'", g.profile.value, g.wasm, printable(load.Reason), g.wasm)
}

// cacheDir is where compiled code is kept. Where the user has no cache folder there is none, and starting takes longer.
func (g *guest) cacheDir() (string, error) {
	if g.cache != "" {
		if err := os.MkdirAll(g.cache, 0o755); err != nil {
			return "", fmt.Errorf("use --cache-dir %s: %w: give a writable folder", g.cache, cause(err))
		}
		return g.cache, nil
	}
	if base, err := os.UserCacheDir(); err == nil {
		if dir := filepath.Join(base, "hostsim"); os.MkdirAll(dir, 0o755) == nil {
			return dir, nil
		}
	}
	return "", nil
}
