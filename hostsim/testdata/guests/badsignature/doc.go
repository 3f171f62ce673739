// Command badsignature exports a callback with one parameter too few.
package main
