//go:build unboundedverdicts

package engine

// maxVerdicts has no effect in a module with which tests prove what it is for.
const maxVerdicts = 1 << 30
