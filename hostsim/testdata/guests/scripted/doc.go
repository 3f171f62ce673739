// Command scripted is a guest that does what its plugin configuration says, so that one module serves many tests.
//
// Each line is "EVENT: OPERATION; OPERATION; ...". Events are the callbacks' names without proxy_on_. Operations are
// words separated by blanks; each logs "EVENT CONTEXT: OPERATION -> STATUS VALUE". See ops.go for all of them. A line
// may begin with "@NAME", for the line of the event that "as NAME" selects in a stream, by the header x-script.
package main
