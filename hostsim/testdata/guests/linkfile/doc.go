// Command linkfile imports path_link, which Envoy lacks or offers with another signature: none loads it.
package main
