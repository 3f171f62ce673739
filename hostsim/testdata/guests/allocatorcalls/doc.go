// Command allocatorcalls makes a hostcall in its allocator, which no host allows.
package main
