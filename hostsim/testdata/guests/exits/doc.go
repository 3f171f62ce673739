// Command exits calls os.Exit in on_request_headers.
package main
