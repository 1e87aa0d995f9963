// Package kube is the cluster as the loops need it: sizes, pods, events and
// leases, read from watches that keep only the fields used and written with
// conflicts in mind.
package kube
