package simnode

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// What steers a simulated pod; all may change while it lives.
const (
	// StartDelayAnnotation replaces the fleet's start delay, such as "5s".
	StartDelayAnnotation = "furl.dev/start-delay"
	// ReadyAnnotation "false" makes the pod run without being ready.
	ReadyAnnotation = "furl.dev/ready"
	// RunForAnnotation makes the pod succeed that long after it became ready, such as "30s"; for Jobs.
	RunForAnnotation = "furl.dev/run-for"
)

// pod is what the fleet knows of a pod beyond its object.
type pod struct {
	uid     types.UID
	arrived time.Time // when the fleet first saw it
	address netip.Addr
	uses    map[string]*use // by container; set while it runs
}

func (f *fleet) work(ctx context.Context) {
	for {
		key, stop := f.queue.Get()
		if stop {
			return
		}
		again, err := f.sync(ctx, key, time.Now())
		switch {
		case ctx.Err() != nil:
		case err != nil && !apierrors.IsConflict(err):
			f.Log.WarnContext(ctx, "pod not synced", "pod", key.String(), "reason", err)
			f.queue.AddRateLimited(key)
		case err != nil:
			f.queue.AddRateLimited(key)
		default:
			f.queue.Forget(key)
			if again > 0 {
				f.queue.AddAfter(key, again)
			}
		}
		f.queue.Done(key)
	}
}

// sync brings one pod a step further and says when to look again.
func (f *fleet) sync(ctx context.Context, key cache.ObjectName, at time.Time) (again time.Duration, err error) {
	object, err := f.lister.Pods(key.Namespace).Get(key.Name)
	if apierrors.IsNotFound(err) {
		f.forget(key)
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look up pod %s: %w", key, err)
	}
	if object.DeletionTimestamp != nil {
		return 0, f.finish(ctx, key, object)
	}
	if object.Status.Phase == corev1.PodSucceeded || object.Status.Phase == corev1.PodFailed {
		f.stopUse(key)
		return 0, nil
	}
	p, err := f.know(key, object, at)
	if err != nil {
		return 0, err
	}
	if wait := p.arrived.Add(duration(object, StartDelayAnnotation, f.StartDelay)).Sub(at); wait > 0 && object.Status.Phase != corev1.PodRunning {
		return wait, nil
	}
	return f.run(ctx, key, object, at)
}

// finish ends a pod at once: it has nothing to clean up.
func (f *fleet) finish(ctx context.Context, key cache.ObjectName, object *corev1.Pod) error {
	f.forget(key)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	now := int64(0)
	err := f.Client.CoreV1().Pods(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &object.UID},
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("end pod %s: %w", key, err)
	}
	return nil
}

// run makes the status what it should be now.
func (f *fleet) run(ctx context.Context, key cache.ObjectName, object *corev1.Pod, at time.Time) (time.Duration, error) {
	next := object.DeepCopy()
	runFor := duration(object, RunForAnnotation, 0)
	left := time.Duration(0)
	if start := readySince(object); runFor > 0 && !start.IsZero() {
		left = start.Add(runFor).Sub(at)
	}
	f.mu.Lock()
	address := f.pods[key].address
	f.mu.Unlock()
	if runFor > 0 && left <= 0 && !readySince(object).IsZero() {
		succeed(&next.Status, at)
	} else {
		runningStatus(next, address, f.nodes[object.Spec.NodeName].address, at)
		f.startUse(key, object, at)
	}
	if statusEqual(&object.Status, &next.Status) {
		return left, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := f.Client.CoreV1().Pods(key.Namespace).UpdateStatus(ctx, next, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return 0, fmt.Errorf("report pod %s: %w", key, err)
	}
	return left, nil
}

// know returns what the fleet knows of a pod, and learns it when it is new: also a pod that a fleet before this one
// started, whose address and start are in its status.
func (f *fleet) know(key cache.ObjectName, object *corev1.Pod, at time.Time) (pod, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.pods[key]; p != nil && p.uid == object.UID {
		return *p, nil
	}
	f.drop(key)
	p := &pod{uid: object.UID, arrived: at}
	if old, err := netip.ParseAddr(object.Status.PodIP); err == nil && f.addresses.take(old) {
		p.address = old
	} else if p.address, err = f.addresses.next(); err != nil {
		return pod{}, err
	}
	f.pods[key] = p
	return *p, nil
}

func (f *fleet) forget(key cache.ObjectName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(key)
}

// drop needs mu.
func (f *fleet) drop(key cache.ObjectName) {
	if p := f.pods[key]; p != nil {
		f.addresses.give(p.address)
		delete(f.pods, key)
	}
}

// duration reads an annotation; a value that is none counts as absent, as everywhere in Kubernetes.
func duration(p *corev1.Pod, name string, otherwise time.Duration) time.Duration {
	d, err := time.ParseDuration(p.Annotations[name])
	if err != nil || d < 0 {
		return otherwise
	}
	return d
}

func readySince(p *corev1.Pod) time.Time {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// pool hands out addresses of a range, each once until it is given back.
type pool struct {
	in   netip.Prefix
	last netip.Addr
	used map[netip.Addr]bool
}

func newPool(in netip.Prefix) pool {
	return pool{in: in, last: in.Addr(), used: map[netip.Addr]bool{}}
}

func (p *pool) next() (netip.Addr, error) {
	size := 1 << (32 - p.in.Bits())
	for range size {
		p.last = p.last.Next()
		if !p.in.Contains(p.last) {
			p.last = p.in.Addr().Next()
		}
		if p.take(p.last) {
			return p.last, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no address is left for a pod in %v", p.in)
}

func (p *pool) take(a netip.Addr) bool {
	if !p.in.Contains(a) || p.used[a] {
		return false
	}
	p.used[a] = true
	return true
}

func (p *pool) give(a netip.Addr) { delete(p.used, a) }

func conditionIndex(s *corev1.PodStatus, t corev1.PodConditionType) int {
	return slices.IndexFunc(s.Conditions, func(c corev1.PodCondition) bool { return c.Type == t })
}
