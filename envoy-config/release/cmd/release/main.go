// Command release makes the files of a release from the tag at HEAD; see
// package release.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/sallyport-gateway/sallyport/envoy-config/release"
)

func main() {
	out := flag.String("out", "build/release", "the folder to create")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	version, err := release.Make(ctx, release.Options{
		Source: ".", Out: *out, Platforms: release.Platforms, Say: func(line string) { fmt.Println(line) },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
	fmt.Printf("%s is in %s; check it with: cd %s && sha256sum --check SHA256SUMS\n", version, *out, *out)
}
