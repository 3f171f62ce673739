// Command initlogs logs while it is initialized, the one hostcall that is allowed there.
package main
