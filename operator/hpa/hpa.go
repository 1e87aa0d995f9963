// Package hpa reconciles HorizontalPodAutoscalers as kube-controller-manager
// does: the same sizes, status, conditions, events and metrics from the same
// objects, decided when something changes instead of every 15 seconds.
package hpa
