// Command badsignature exports a callback with a parameter too few.
package main
