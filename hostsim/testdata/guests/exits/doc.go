// Command exits leaves by os.Exit in on_request_headers.
package main
