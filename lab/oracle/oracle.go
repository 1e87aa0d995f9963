// Package oracle asks upstream's own autoscaler what it would do, and holds
// Furl's engine to the same answer.
//
// It is tests only: the code of k8s.io/kubernetes runs beside package engine
// on random pods, measurements, targets and tolerances.
package oracle
