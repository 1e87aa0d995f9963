package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/furl-dev/furl/lab/karpenter/crds"
	"github.com/furl-dev/furl/lab/plane/setting"
	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

const (
	karpenterChild = "karpenter"
	karpenterGrace = 5 * time.Second
)

// startKarpenter makes the kinds of Karpenter known, keeps the machines that it rents, and starts it once somebody makes
// a NodePool: a lab without one pays nothing for it.
func (l *lab) startKarpenter(ctx context.Context, g *errgroup.Group) error {
	if l.o.KarpenterPath == "" {
		return nil
	}
	l.progress("making Karpenter's kinds known")
	client, err := dynamic.NewForConfig(l.rest)
	if err != nil {
		return fmt.Errorf("make a dynamic client: %w", err)
	}
	if err := crds.Apply(ctx, client, fieldManager); err != nil {
		return err
	}
	g.Go(func() error { return l.keepMachines(ctx) })
	g.Go(func() error {
		if !nodePoolIsThere(ctx, client) {
			return nil // the lab ends
		}
		l.keepKarpenter(ctx)
		return nil
	})
	return nil
}

// nodePoolIsThere waits until there is a NodePool. It returns false when ctx ends before.
func nodePoolIsThere(ctx context.Context, client dynamic.Interface) bool {
	watching, stop := context.WithCancel(ctx)
	defer stop()
	informer := dynamicinformer.NewFilteredDynamicInformer(client, crds.NodePools(), metav1.NamespaceAll, 0, cache.Indexers{}, nil).Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(any) { stop() }}); err != nil {
		return false // only an informer that was stopped refuses
	}
	informer.RunWithContext(watching)
	return ctx.Err() == nil
}

// keepKarpenter runs Karpenter until ctx ends. One that cannot live ends, and the rest of the lab goes on without it.
func (l *lab) keepKarpenter(ctx context.Context) {
	run := child{
		name: karpenterChild, path: l.o.KarpenterPath, args: l.karpenterArgs(),
		env: plainEnvironment(os.Environ()), log: l.files.log(karpenterChild), grace: karpenterGrace,
	}
	if err := run.keep(ctx, l.noteChild(karpenterChild), l.log); err != nil {
		l.log.ErrorContext(ctx, "no more nodes are made", "reason", err)
	}
}

func (l *lab) karpenterArgs() []string {
	return append([]string{
		"--kubeconfig=" + filepath.Join(l.files.keys(), setting.AdminConfig),
		"--room=" + strconv.Itoa(maxNodes-l.o.Nodes),
	}, l.o.KarpenterArgs...)
}
