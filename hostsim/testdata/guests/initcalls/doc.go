// Command initcalls makes a hostcall while it is initialized, which no host allows.
package main
