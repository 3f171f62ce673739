// Command filter is the Wasm module: build it with GOOS=wasip1 GOARCH=wasm
// -buildmode=c-shared and give it to Envoy or Istio.
package main

import "github.com/sallyport-gateway/sallyport/filter/internal/plugin"

func init() { plugin.Register() }

func main() {}
