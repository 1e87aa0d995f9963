// Package karpenter makes nodes for pods that wait, by the real Karpenter and a cloud that rents out processes.
//
// Run it in a process of its own: Karpenter registers global state, ends the process on some errors, and is started
// again when it does. What it rented stays meanwhile.
package karpenter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/awslabs/operatorpkg/controller"
	"github.com/furl-dev/furl/lab/karpenter/cloud"
	"github.com/furl-dev/furl/lab/karpenter/machine"
	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	controllerruntime "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/overlay"
	"sigs.k8s.io/karpenter/pkg/controllers"
	"sigs.k8s.io/karpenter/pkg/controllers/nodeoverlay"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/events"
	"sigs.k8s.io/karpenter/pkg/operator/options"
)

// Config says how Karpenter runs.
type Config struct {
	REST *rest.Config // an administrator of the lab
	Room int          // how many machines there may be at a time
	// SeveralGPUs has the cloud rent out machines with more than one GPU.
	SeveralGPUs bool
	// BatchIdle and BatchMax are how long Karpenter waits for more pods before it makes nodes: after the last pod, and after
	// the first.
	BatchIdle, BatchMax time.Duration
	// Patience is how long Karpenter waits before it looks again whether a node is really needed no more; it knows no
	// longer one than 15 s.
	Patience time.Duration
	Log      *slog.Logger
}

// Run runs Karpenter until ctx ends or it gives up. It returns nil only when ctx ended. It listens on no port.
func Run(ctx context.Context, c Config) error {
	logger := logr.FromSlogHandler(c.Log.Handler())
	log.SetLogger(logger)
	klog.SetLogger(logger)
	ctx = options.ToContext(log.IntoContext(ctx, logger), c.options())
	cloud.AddToScheme(scheme.Scheme) // Karpenter looks for kinds there
	clients, err := kubernetes.NewForConfig(c.REST)
	if err != nil {
		return fmt.Errorf("make a client of the API server: %w", err)
	}
	provider := cloud.New(machine.Books{Client: clients}, c.Room, c.SeveralGPUs)
	m, err := c.newManager(ctx, logger)
	if err != nil {
		return err
	}
	if err := addIndexes(ctx, m.GetFieldIndexer()); err != nil {
		return err
	}
	for _, one := range append(c.controllers(ctx, m, provider), readiness{m.GetClient()}) {
		if err := one.Register(ctx, m); err != nil {
			return fmt.Errorf("register a controller: %w", err)
		}
	}
	err = m.Start(ctx)
	if err == nil && ctx.Err() == nil {
		return errors.New("Karpenter returned without being asked to") //nolint:staticcheck // a name
	}
	return err
}

// options are Karpenter's, its defaults where nothing else is said.
func (c Config) options() *options.Options {
	return &options.Options{
		DisableLeaderElection: true, // it is the only one
		CPURequests:           1000, // of its controllers' workers: as few as there may be
		MemoryLimit:           -1,
		BatchMaxDuration:      c.BatchMax,
		BatchIdleDuration:     c.BatchIdle,
		PreferencePolicy:      options.PreferencePolicyRespect,
		MinValuesPolicy:       options.MinValuesPolicyStrict,
		IgnoreDRARequests:     true,
		FeatureGates:          options.DefaultFeatureGates(),
	}
}

// newManager does what Karpenter's own operator does, but for two things: it listens nowhere, where that one listens on
// every address of the machine, and it returns errors, where that one panics.
func (c Config) newManager(ctx context.Context, logger logr.Logger) (manager.Manager, error) {
	m, err := controllerruntime.NewManager(c.REST, controllerruntime.Options{
		Logger:                 logger,
		Metrics:                server.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		BaseContext:            func() context.Context { return ctx },
		Cache: cache.Options{ByObject: map[client.Object]cache.ByObject{
			&coordinationv1.Lease{}: {Field: fields.SelectorFromSet(fields.Set{"metadata.namespace": corev1.NamespaceNodeLease})},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager of Karpenter's controllers: %w", err)
	}
	return m, nil
}

func (c Config) controllers(ctx context.Context, m manager.Manager, provider *cloud.Provider) []controller.Controller {
	now := impatient{longest: c.Patience}
	store := nodeoverlay.NewInstanceTypeStore()
	decorated := overlay.Decorate(provider, m.GetClient(), store)
	return controllers.NewControllers(ctx, m, now, m.GetClient(),
		events.NewRecorder(m.GetEventRecorderFor("karpenter")), //nolint:staticcheck // the kind that Karpenter takes
		decorated, provider, state.NewCluster(now, m.GetClient(), decorated), store)
}

// impatient is the real clock, but waits no longer than told. Of the controllers only those wait on it that look twice
// before they take a node away; all other periods are fixed.
type impatient struct {
	clock.RealClock

	longest time.Duration
}

// After implements clock.Clock.
func (i impatient) After(d time.Duration) <-chan time.Time {
	return i.RealClock.After(min(d, i.longest))
}
