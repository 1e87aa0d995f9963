// Package scaledobject reconciles ScaledObjects with KEDA's meaning: their
// status, conditions, events and metrics, from the first replica to the last,
// decided as soon as a trigger has something new and written to /scale.
package scaledobject
