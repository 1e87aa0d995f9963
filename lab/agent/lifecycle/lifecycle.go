// Package lifecycle decides what a pod's containers do next, and what the pod's status says, by the kubelet's rules.
//
// It is pure: it takes what is known of a pod and an instant, and gives an answer.
package lifecycle

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

// Kind says which part a container plays.
type Kind int

// The three kinds of container.
const (
	Init    Kind = iota // runs to its end before the next one
	Sidecar             // an init container that is restarted always, and runs beside the main ones
	Main
)

// Container is one container of a pod and how it stands.
type Container struct {
	Spec   *corev1.Container
	Kind   Kind
	Status corev1.ContainerStatus
	Retry  time.Time // it is not started before this
	Busy   bool      // it is being started or stopped: leave it alone
}

// Plan is what to do now.
type Plan struct {
	Start []string  // containers to start
	Stop  []string  // containers to stop
	Hold  []string  // containers that would start but for their back-off
	At    time.Time // when to ask again though nothing has happened; zero: only then
	Over  bool      // nothing runs and nothing will
}

// Kinds lists the containers of a pod, none of which has been started yet.
func Kinds(pod *corev1.Pod) []Container {
	all := make([]Container, 0, len(pod.Spec.InitContainers)+len(pod.Spec.Containers))
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		kind := Init
		if podutil.IsRestartableInitContainer(c) {
			kind = Sidecar
		}
		all = append(all, Container{Spec: c, Kind: kind, Status: fresh(c, waitingFor(pod))})
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		all = append(all, Container{Spec: c, Kind: Main, Status: fresh(c, waitingFor(pod))})
	}
	return all
}

func waitingFor(pod *corev1.Pod) string {
	if len(pod.Spec.InitContainers) > 0 {
		return "PodInitializing"
	}
	return "ContainerCreating"
}

func fresh(c *corev1.Container, reason string) corev1.ContainerStatus {
	return corev1.ContainerStatus{
		Name: c.Name, Image: c.Image, Started: new(bool),
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}},
	}
}

// Next decides what to do. An ending pod (deleted, or past its deadline) only stops.
func Next(pod *corev1.Pod, all []Container, ending bool, at time.Time) Plan {
	p := planner{pod: pod, all: all, at: at, begun: begun(all)}
	switch {
	case ending:
		p.stop()
	case p.mainsAreDone():
		p.stop()
	case p.initialise():
		p.run()
	}
	return p.plan
}

type planner struct {
	pod   *corev1.Pod
	all   []Container
	at    time.Time
	begun bool // a main container has been started: the init containers are behind us
	plan  Plan
}

// stop ends the main containers, then the sidecars one by one, the last one first.
func (p *planner) stop() {
	alive := 0
	for i := range p.all {
		c := &p.all[i]
		if c.Kind == Sidecar || !c.alive() {
			continue
		}
		alive++
		p.end(c)
	}
	for i := len(p.all) - 1; i >= 0 && alive == 0; i-- {
		c := &p.all[i]
		if c.Kind == Sidecar && c.alive() {
			alive++
			p.end(c)
		}
	}
	p.plan.Over = alive == 0
}

func (p *planner) end(c *Container) {
	if !c.Busy {
		p.plan.Stop = append(p.plan.Stop, c.Spec.Name)
	}
}

// initialise goes through the init containers in their order; it reports whether the main ones may run.
func (p *planner) initialise() bool {
	for i := range p.all {
		c := &p.all[i]
		switch {
		case c.Kind == Main || (c.Kind == Init && p.begun):
			continue
		case c.Kind == Sidecar && c.alive():
			if !p.begun && !*c.Status.Started {
				return false
			}
			continue
		case c.Kind == Init && c.alive():
			return false
		case c.Kind == Init && c.succeeded():
			continue
		case c.Kind == Init && c.ended() && !p.restarts(c): // it failed for good
			p.stop()
			return false
		}
		p.start(c)
		if !p.begun {
			return false
		}
	}
	return true
}

func (p *planner) run() {
	for i := range p.all {
		c := &p.all[i]
		if c.Kind == Main && !c.alive() && (!c.ended() || p.restarts(c)) {
			p.start(c)
		}
	}
}

// start plans a start, now or when the back-off is over.
func (p *planner) start(c *Container) {
	switch {
	case c.Busy:
	case c.Retry.After(p.at):
		p.plan.Hold = append(p.plan.Hold, c.Spec.Name)
		if p.plan.At.IsZero() || c.Retry.Before(p.plan.At) {
			p.plan.At = c.Retry
		}
	default:
		p.plan.Start = append(p.plan.Start, c.Spec.Name)
	}
}

func (p *planner) mainsAreDone() bool {
	for i := range p.all {
		c := &p.all[i]
		if c.Kind == Main && (c.alive() || !c.ended() || p.restarts(c)) {
			return false
		}
	}
	return true
}

func (p *planner) restarts(c *Container) bool { return Restarts(p.pod, c) }

// Restarts tells whether a container that has ended is started again.
func Restarts(pod *corev1.Pod, c *Container) bool {
	t := c.last()
	if c.Kind == Sidecar {
		return true
	}
	return t == nil || podutil.ContainerShouldRestart(*c.Spec, initPolicy(pod, c), t.ExitCode)
}

// initPolicy is the pod's restart policy as it counts for a container: for an init container Always means OnFailure.
func initPolicy(pod *corev1.Pod, c *Container) corev1.PodSpec {
	policy := pod.Spec.RestartPolicy
	if c.Kind == Init && policy == corev1.RestartPolicyAlways {
		policy = corev1.RestartPolicyOnFailure
	}
	return corev1.PodSpec{RestartPolicy: policy}
}

func (c *Container) alive() bool { return c.Status.State.Running != nil || c.Busy }

// last is how the container ended most recently, nil before its first end. A waiting container keeps it as its last state.
func (c *Container) last() *corev1.ContainerStateTerminated {
	if c.Status.State.Terminated != nil {
		return c.Status.State.Terminated
	}
	return c.Status.LastTerminationState.Terminated
}

func (c *Container) ended() bool { return !c.alive() && c.last() != nil }

func (c *Container) succeeded() bool { return c.ended() && c.last().ExitCode == 0 }

func begun(all []Container) bool {
	for i := range all {
		if all[i].Kind == Main && (all[i].Status.State.Running != nil || all[i].last() != nil) {
			return true
		}
	}
	return false
}
