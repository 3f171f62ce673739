//go:build unboundedverdicts

package engine

// maxVerdicts is out of the way in a module with which tests prove what it is
// there for.
const maxVerdicts = 1 << 30
