// Command sallyport manages a gateway's configuration: keys, apps, products and checks.
package main

import (
	"os"

	"github.com/sallyport-gateway/sallyport/filter/cmd/sallyport/internal/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
