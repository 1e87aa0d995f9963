// Package kedatypes holds Furl's keda.sh/v1alpha1 against KEDA's own: it has no code but its tests.
package kedatypes
