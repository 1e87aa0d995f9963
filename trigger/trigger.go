// Package trigger says what a source of numbers is and how one is described:
// a trigger is a name, a documented struct of settings, and a function that opens it.
//
// Nothing here knows replicas, Kubernetes or the engine. A trigger measures;
// what follows from the number is decided elsewhere.
package trigger

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Source answers when asked. It holds connections and never decisions. Read
// may block until ctx ends and is never called twice at the same time; Close
// may be called more than once, and ends a Read under way.
type Source interface {
	Read(ctx context.Context) (Sample, error)
	Close() error
}

// Watcher is a Source that also speaks first. Watch blocks until ctx ends or
// the stream breaks, and returns why; whoever called it calls again later.
// emit may be called from one goroutine at a time and does not block for long.
type Watcher interface {
	Source
	Watch(ctx context.Context, emit func(Sample)) error
}

// Described is a Source that learns its metrics from the other side, as
// external scalers do. All others have them in their settings, see [Config.Metrics].
type Described interface {
	Source
	Metrics(ctx context.Context) ([]Metric, error)
}

// Sample is what a source measured at one instant.
type Sample struct {
	At time.Time
	// Value is in the metric's own unit: five messages are 5.
	Value float64
	// Active is set only where the source itself decides whether there is work
	// (external, cron); elsewhere the activation threshold does.
	Active *bool
	// Until is when the value will change by itself, such as at the end of a
	// cron window; zero where nobody knows.
	Until time.Time
	// Parts has the values of a [Described] source, one a metric; Value is unused then.
	Parts []Part
}

// Part is the value of one of several metrics.
type Part struct {
	Metric string // as in [Metric.Name]
	Value  float64
}

// Metric is one number a trigger measures, and what its user wants it to be.
type Metric struct {
	// Name is what users see behind the trigger's index, such as "aws-sqs-orders";
	// characters that a metric name may not have are replaced, see [Normalize].
	Name string
	// Target is the value per replica, or the whole for metricType Value; above 0.
	Target float64
	// Activation is the value above which there is work; at or below it a workload may sleep.
	Activation float64
}

// Env is everything that a source may take from the outside world.
type Env struct {
	// HTTP has connection pools, timeouts and a bound on redirects; never nil.
	HTTP *http.Client
	Log  *slog.Logger
	Now  func() time.Time
	// Cluster is nil where there is none, such as for furl eval.
	Cluster Cluster
}

// Cluster is the little that some triggers ask of the cluster they run in.
type Cluster interface {
	// CountPods counts the pods of a namespace that match a label selector and
	// have not ended; byNode counts the distinct nodes that they run on.
	CountPods(ctx context.Context, namespace, selector string, byNode bool) (int64, error)
	// Endpoints returns the ready addresses (host:port) behind a Service's port.
	Endpoints(ctx context.Context, namespace, service string, port int) ([]string, error)
}

// Identity is who a source should be towards a cloud.
type Identity struct {
	// Provider is "", "none", "aws", "aws-eks", "gcp" or "azure-workload".
	Provider string
	// RoleARN is the role to assume, from the authentication or from the service account of the workload.
	RoleARN, ExternalID string
	// ID, Tenant and AuthorityHost are Azure's.
	ID, Tenant, AuthorityHost string
}

// Input is what a user wrote about one trigger, with what it refers to filled in.
type Input struct {
	// Index is the trigger's place in its object, from 0.
	Index int
	// Name is the trigger's name, empty where the user gave none.
	Name string
	// Namespace and Object are those of the object the trigger stands in.
	Namespace, Object string
	// MetricType is AverageValue, Value, Utilization or empty.
	MetricType string
	// Metadata, Auth and Env are where settings come from: the trigger itself,
	// its TriggerAuthentication, the environment of the scaled container.
	Metadata, Auth, Env map[string]string
	Identity            Identity
	// Composed says that a formula with a target of its own takes the value: the
	// trigger needs none.
	Composed bool
	// Partial says that Auth and Env, where they are nil, are not known, as at
	// admission: what they could give is not missed, and not validated. An
	// empty map says that there is nothing: no authentication, no environment.
	Partial bool
}
