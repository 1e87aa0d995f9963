package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/agent"
	"github.com/furl-dev/furl/lab/logfile"
	"github.com/furl-dev/furl/lab/pki"
	"github.com/furl-dev/furl/lab/plane/setting"
	"github.com/furl-dev/furl/lab/route"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// lab is a running lab, as its supervisor sees it.
type lab struct {
	o        Options
	files    layout
	at       addresses
	keys     *pki.Set
	rest     *rest.Config
	client   kubernetes.Interface
	router   *route.Router // from startRoutes on
	ports    *agent.Ports  // from startRoutes on
	log      *slog.Logger
	progress func(string) // says what happens next, for the person who waits

	mu    sync.Mutex // guards state
	state State
}

// Supervise runs a lab until ctx ends, and returns when nothing of it runs any more; its folder stays. It calls progress
// before each step and ready once the lab is usable.
func Supervise(ctx context.Context, o Options, progress func(step string), ready func()) error {
	if err := o.Validate(); err != nil {
		return err
	}
	files := layout{o.Dir}
	if err := files.create(); err != nil {
		return err
	}
	unlock, err := lock(files.lock())
	if err != nil {
		return err
	}
	defer unlock()
	logFile, err := logfile.Open(files.log("supervisor"))
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()
	l := &lab{o: o, files: files, progress: progress, log: slog.New(slog.NewTextHandler(logFile, nil))}
	if err := sweep(ctx, files, l.log); err != nil {
		return err
	}
	err = l.run(ctx, ready)
	if err != nil {
		l.log.ErrorContext(ctx, "lab ended", "reason", err)
	}
	if l.state.Phase == "" { // nothing was written down
		return err
	}
	return errors.Join(err, l.note(func(s *State) { s.Phase, s.Children, s.Supervisor = Stopped, nil, Process{} }))
}

// run claims an address range and then starts the parts, each of which needs the ones before.
func (l *lab) run(ctx context.Context, ready func()) error {
	slot := -1
	before, err := l.files.load()
	switch {
	case err == nil:
		slot = before.Slot // Services on disk have addresses of this range
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	at, claimed, err := claim(ctx, slot)
	if err != nil {
		return err
	}
	if claimed != nil {
		defer func() { _ = claimed.Close() }()
	}
	l.at = at
	if err := l.begin(ctx, before.Ports); err != nil {
		return err
	}
	return l.start(ctx, ready)
}

// begin writes down who supervises and with which ports.
func (l *lab) begin(ctx context.Context, ports Ports) error {
	ports, err := freePorts(ctx, ports)
	if err != nil {
		return err
	}
	self, err := identify(os.Getpid())
	if err != nil {
		return err
	}
	l.state = State{Phase: Starting, StartedAt: time.Now(), Slot: l.at.slot, Ports: ports, Options: l.o, Supervisor: self, Children: map[string]Process{}}
	if err := l.note(func(*State) {}); err != nil {
		return err
	}
	l.progress("making certificates")
	if l.keys, err = pki.Open(l.files.keys(), time.Now()); err != nil {
		return err
	}
	if err := writeKeys(l.files, l.keys, l.at, serverURL(ports.API), time.Now()); err != nil {
		return err
	}
	if l.rest, err = clientConfig(filepath.Join(l.files.keys(), setting.AdminConfig)); err != nil {
		return err
	}
	if l.client, err = kubernetes.NewForConfig(l.rest); err != nil {
		return fmt.Errorf("make the lab's client: %w", err)
	}
	return nil
}

// start starts everything and waits for its end. Parts stop in the reverse order: pods while there still is an API
// server to tell, the plane last.
func (l *lab) start(ctx context.Context, ready func()) error {
	planeCtx, stopPlane := context.WithCancelCause(context.WithoutCancel(ctx))
	planeEnded := make(chan error, 1)
	ctx, fail := context.WithCancelCause(ctx)
	go func() {
		err := l.keepPlane(planeCtx)
		if err != nil {
			fail(err)
		}
		planeEnded <- err
	}()
	err := l.startParts(ctx, ready)
	stopPlane(errors.New("the lab ends"))
	return errors.Join(err, <-planeEnded)
}

func (l *lab) startParts(ctx context.Context, ready func()) error {
	l.progress("starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler")
	if err := l.waitReady(ctx); err != nil {
		return ignoreCancel(ctx, err)
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, part := range []func(context.Context, *errgroup.Group) error{
		l.startRoutes,    // pods are told where the proxy of their namespace is
		l.startQueues,    // pods and the operator are told where they are
		l.startNodes,     // somewhere to run
		l.startSimNodes,  // somewhere to pretend to
		l.startKarpenter, // more nodes of the first kind, for pods that wait
		l.startOperator,  // last: it scrapes the nodes
	} {
		if err := part(ctx, g); err != nil {
			g.Go(func() error { return err })
			break
		}
	}
	if ctx.Err() == nil {
		if err := l.note(func(s *State) { s.Phase = Ready }); err != nil {
			return err
		}
		ready()
	}
	<-ctx.Done()
	if err := l.note(func(s *State) { s.Phase = Stopping }); err != nil {
		l.log.WarnContext(ctx, "state not written", "reason", err)
	}
	return ignoreCancel(ctx, g.Wait())
}

// ignoreCancel drops an error that only says that somebody asked the lab to end.
func ignoreCancel(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) && errors.Is(context.Cause(ctx), context.Canceled) {
		return nil
	}
	return err
}

// note changes the state and writes it down.
func (l *lab) note(change func(*State)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.state)
	return l.files.store(l.state)
}

// noteChild returns a function that writes down a child that started.
func (l *lab) noteChild(name string) func(Process) {
	return func(p Process) {
		l.log.Info("child started", "child", name, "pid", p.PID)
		if err := l.note(func(s *State) {
			if s.Children == nil {
				s.Children = map[string]Process{}
			}
			s.Children[name] = p
		}); err != nil {
			l.log.Error("child not written down", "child", name, "reason", err)
		}
	}
}
