// Command hostsim runs any proxy-wasm filter by Envoy's rules, without an Envoy: see README.md.
package main

import (
	"os"

	"github.com/sallyport-gateway/sallyport/hostsim/cmd/hostsim/internal/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
