// Command guest is the smallest module that wasmbuild can compile.
package main

func main() {}
