// Command linkfile imports path_link, which Envoy lacks or offers with another signature: no Envoy loads it.
package main
