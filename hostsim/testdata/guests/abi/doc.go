// Package abi declares proxy-wasm ABI 0.2.1 as it is, without any SDK, for guests that test a host. It exports the
// version marker and the allocator; callbacks are for each guest to export.
package abi
