// Package engine decides how many replicas a workload should have.
package engine
