// Command allocators exports both allocators and says which one the host calls.
package main
