// Package freeze holds back every write of a size for as long as somebody says so.
//
// A freeze is a ConfigMap of one name: in Furl's own namespace it speaks for the
// cluster, in any other for that namespace. Whoever may write one there may
// freeze, whoever may read one sees why nothing moves.
package freeze

import (
	"strings"
	"time"

	"github.com/furl-dev/furl/api"
	corev1 "k8s.io/api/core/v1"
)

// Freeze is one order to write no sizes.
type Freeze struct {
	// Namespace is where the order stands, and what it speaks for unless Cluster.
	Namespace string
	// Cluster says that it speaks for all namespaces.
	Cluster bool
	By      string
	Reason  string
	Since   time.Time // zero: not said
	Until   time.Time // zero: until somebody ends it
	// Fault is what cannot be read of it. It is in force all the same: who orders a
	// freeze wants nothing to move.
	Fault string
}

// longest is how much of a text that somebody wrote is passed on: it goes into
// the conditions and records of every object.
const longest = 200

// Of reads an order; own is Furl's namespace.
func Of(c *corev1.ConfigMap, own string) Freeze {
	f := Freeze{
		Namespace: c.Namespace, Cluster: c.Namespace == own,
		By: line(c.Data[api.FreezeBy]), Reason: line(c.Data[api.FreezeReason]), Since: c.CreationTimestamp.Time,
	}
	if at, err := time.Parse(time.RFC3339, c.Data[api.FreezeSince]); err == nil {
		f.Since = at
	}
	if text := c.Data[api.FreezeUntil]; text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			f.Fault = "its data.until is " + quoted(text) + " and no instant such as 2026-01-31T17:00:00Z, so it does not end by itself"
		}
		f.Until = at
	}
	return f
}

// Data is the order as its ConfigMap says it.
func (f *Freeze) Data() map[string]string {
	data := map[string]string{}
	put := func(key, value string) {
		if value != "" {
			data[key] = value
		}
	}
	put(api.FreezeBy, f.By)
	put(api.FreezeReason, f.Reason)
	put(api.FreezeSince, instant(f.Since))
	put(api.FreezeUntil, instant(f.Until))
	return data
}

// Speaks tells that it is about a namespace.
func (f *Freeze) Speaks(namespace string) bool { return f.Cluster || f.Namespace == namespace }

// InForce tells that it has not run out.
func (f *Freeze) InForce(at time.Time) bool { return f.Until.IsZero() || at.Before(f.Until) }

// Scope names what it is about.
func (f *Freeze) Scope() string {
	if f.Cluster {
		return "the whole cluster"
	}
	return "namespace " + f.Namespace
}

// String is the order in one line, the same for as long as it lasts.
func (f *Freeze) String() string {
	var b strings.Builder
	b.WriteString(f.Scope() + " is frozen")
	if f.By != "" {
		b.WriteString(" by " + f.By)
	}
	if f.Until.IsZero() {
		b.WriteString(" until furl unfreeze")
		if !f.Cluster {
			b.WriteString(" -n " + f.Namespace)
		}
	} else {
		b.WriteString(" until " + instant(f.Until))
	}
	if f.Reason != "" {
		b.WriteString(": " + f.Reason)
	}
	if f.Fault != "" {
		b.WriteString(" (" + f.Fault + ")")
	}
	return b.String()
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// line is text on one line and not too long.
func line(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return text
}

func quoted(text string) string { return `"` + line(text) + `"` }
