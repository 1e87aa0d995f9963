// Package resource knows what every container and node uses.
//
// It scrapes the kubelets' /metrics/resource, as metrics-server does, keeps
// the two latest points of each counter, and answers with a rate, its instant
// and its window, or with the reason why there is none. A [Scraper] fills a
// [Store]; the HPA controller, metrics.k8s.io and whoever subscribes read it.
package resource
