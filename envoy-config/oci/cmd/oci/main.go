// Command oci makes the filter's OCI image in a folder, with its SBOM and provenance next to it, and pushes it if asked
// to.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	ocistore "oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/sallyport-gateway/sallyport/envoy-config/oci"
)

func main() {
	var o options
	flag.StringVar(&o.module, "module", "build/sallyport.wasm", "the module")
	flag.StringVar(&o.out, "out", "build/oci", "the folder to create: an OCI layout in image/, sbom.cdx.json, provenance.json, digest")
	flag.StringVar(&o.command, "command", "make wasm", "what made the module, for the provenance")
	flag.StringVar(&o.push, "push", "", "also push to this reference, such as registry.example.com/sallyport:v1; uses docker's credentials")
	flag.BoolVar(&o.plainHTTP, "plain-http", false, "use plain HTTP to the registry, for one on this machine")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "oci:", err)
		os.Exit(1)
	}
}

type options struct {
	module, out, command, push string
	plainHTTP                  bool
}

func run(ctx context.Context, o options) error {
	module, err := os.ReadFile(o.module)
	if err != nil {
		return fmt.Errorf("read the module, which `make wasm` makes: %w", err)
	}
	// A folder of an earlier run would keep its blobs.
	layout := filepath.Join(o.out, "image")
	if err := os.RemoveAll(layout); err != nil {
		return fmt.Errorf("remove the last image: %w", err)
	}
	store, err := ocistore.NewWithContext(ctx, layout)
	if err != nil {
		return fmt.Errorf("make the image's folder: %w", err)
	}
	const tag = "latest"
	image, err := oci.Push(ctx, store, module, tag)
	if err != nil {
		return err
	}
	if err := describe(ctx, o, module, image.Digest); err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", layout, image.Digest)
	if o.push == "" {
		return nil
	}
	repository, err := remote.NewRepository(o.push)
	if err != nil {
		return fmt.Errorf("read the reference %s: %w", o.push, err)
	}
	if repository.PlainHTTP = o.plainHTTP; !o.plainHTTP {
		docker, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
		if err != nil {
			return fmt.Errorf("read docker's credentials: %w", err)
		}
		repository.Client = &auth.Client{Credential: credentials.Credential(docker)}
	}
	pushed, err := oci.Push(ctx, repository, module, repository.Reference.ReferenceOrDefault())
	if err != nil {
		return err
	}
	if pushed.Digest != image.Digest {
		return errors.New("the image that was pushed is not the one in the folder")
	}
	fmt.Printf("oci://%s/%s@%s\n", repository.Reference.Registry, repository.Reference.Repository, pushed.Digest)
	return nil
}

// describe writes what goes with the image.
func describe(ctx context.Context, o options, module []byte, image digest.Digest) error {
	origin, err := oci.OriginOf(ctx, ".", "./filter", o.command)
	if err != nil {
		return err
	}
	sbom, err := origin.SBOM(module)
	if err != nil {
		return err
	}
	provenance, err := origin.Provenance(module, image)
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"sbom.cdx.json": sbom, "provenance.json": provenance, "digest": []byte(image.String() + "\n")} {
		if err := os.WriteFile(filepath.Join(o.out, name), text, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
