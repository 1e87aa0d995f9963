package doctor

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// mostSkew is the least difference worth a word: a Date has whole seconds,
	// leases are renewed each 10 s, and Furl takes samples up to 30 s old.
	mostSkew = 5 * time.Second
	// mostBehind is how old the lease of a node that is Ready may be: it is
	// renewed each 10 s, and held for 40 s.
	mostBehind = time.Minute
)

// skewed finds clocks that do not agree with the API server's: samples, windows
// and leases are compared by them.
func skewed(s *Snapshot) []Finding {
	if s.Server.IsZero() {
		return nil
	}
	var out []Finding
	// A Date says when its second began.
	if off := s.At.Sub(s.Server) - time.Second/2; off.Abs() > mostSkew {
		out = append(out, Finding{
			Rule: "clock", Severity: Warning, Object: "this machine",
			Sentence: fmt.Sprintf("its clock is %s the API server's: the ages that furl and kubectl print here are off by as much", apart(off)),
			Evidence: []string{"here " + s.At.UTC().Format(time.RFC3339), "header Date of the API server " + s.Server.UTC().Format(time.RFC3339)},
			Do:       []string{"Set this machine's clock by NTP: timedatectl set-ntp true"},
		})
	}
	for i := range s.Leases {
		l := &s.Leases[i]
		if l.Spec.RenewTime == nil {
			continue
		}
		off := l.Spec.RenewTime.Sub(s.Server)
		node := l.Namespace == corev1.NamespaceNodeLease
		behind := off < -mostBehind && node && s.ready(l.Name)
		if off <= mostSkew && !behind {
			continue
		}
		out = append(out, leaseOff(l.Namespace, l.Name, off, l.Spec.RenewTime.Time, s.Server))
	}
	return out
}

func leaseOff(namespace, name string, off time.Duration, renewed, server time.Time) Finding {
	object, do := "node/"+name, "Set the node's clock by NTP; its samples count as stale, or as of the future, until then."
	if namespace != corev1.NamespaceNodeLease {
		object, do = "lease/"+name, "Set the clock of the node that the holder runs on by NTP."
	}
	f := Finding{
		Rule: "clock", Severity: Error, Object: object,
		Sentence: fmt.Sprintf("its clock is %s the API server's: what it says about now is taken for another time", apart(off)),
		Evidence: []string{
			fmt.Sprintf("lease %s/%s was renewed at %s by its own clock", namespace, name, renewed.UTC().Format(time.RFC3339)),
			"header Date of the API server " + server.UTC().Format(time.RFC3339),
		},
		Do: []string{do, fmt.Sprintf("kubectl get lease -n %s %s -o jsonpath='{.spec.renewTime}'; date -u", namespace, name)},
	}
	if object[0] == 'l' {
		f.Namespace = namespace
	}
	return f
}

func apart(off time.Duration) string {
	if off < 0 {
		return off.Abs().Round(time.Second).String() + " behind"
	}
	return off.Round(time.Second).String() + " ahead of"
}

// ready tells that a node's kubelet is heard of.
func (s *Snapshot) ready(node string) bool {
	for i := range s.Nodes {
		if s.Nodes[i].Name != node {
			continue
		}
		for _, c := range s.Nodes[i].Status.Conditions {
			if c.Type == corev1.NodeReady {
				return c.Status == corev1.ConditionTrue
			}
		}
	}
	return false
}
