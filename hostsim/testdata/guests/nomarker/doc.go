// Command nomarker has no proxy_abi_version export.
package main
