package cert

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"time"

	"github.com/furl-dev/furl/kube"
)

// Vault keeps the state over restarts; *kube.SecretBox is one.
type Vault interface {
	// Load returns the data and its version; both are empty where there is none yet.
	Load(ctx context.Context) (data map[string][]byte, version string, err error)
	// Store replaces that version, and fails when there is a newer one.
	Store(ctx context.Context, data map[string][]byte, version string) error
}

// Trust tells the cluster whom to trust; *kube.Trust is one.
type Trust interface {
	// Publish makes a bundle of authorities the one that everybody checks Furl
	// against. It is called again and again, and writes where that is not so.
	Publish(ctx context.Context, bundle []byte) error
}

// Keeper renews the certificate and publishes its authorities. One replica
// runs it, the leader; two at once do no harm, but work twice.
type Keeper struct {
	Vault Vault
	Trust Trust
	Names Names
	Clock kube.Clock
	Log   *slog.Logger

	said string // the last error, which is told once
}

const (
	// lookEvery is how soon an object that was installed anew trusts Furl again.
	lookEvery = 20 * time.Second
	// turnTimeout bounds one look: a handful of requests.
	turnTimeout = time.Minute
)

// Run keeps until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	for {
		at := k.Clock.Now()
		next, err := k.turn(ctx, at)
		k.tell(ctx, err)
		again := at.Add(lookEvery)
		if err == nil && next.Before(again) {
			again = next
		}
		if k.Clock.Wait(ctx, again) != nil {
			return nil //nolint:nilerr // ctx ended
		}
	}
}

// turn is one look, and says when the next is due at the latest.
func (k *Keeper) turn(ctx context.Context, at time.Time) (next time.Time, err error) {
	ctx, stop := context.WithTimeout(ctx, turnTimeout)
	defer stop()
	data, version, err := k.Vault.Load(ctx)
	if err != nil {
		return at, err
	}
	s, steps, next, err := Advance(Parse(data), k.Names, at)
	if err != nil {
		return at, err
	}
	is, err := s.Data()
	if err != nil {
		return at, err
	}
	if !maps.EqualFunc(data, is, func(a, b []byte) bool { return reflect.DeepEqual(a, b) }) {
		if err := k.Vault.Store(ctx, is, version); err != nil {
			return at, err
		}
		for _, step := range steps {
			k.Log.InfoContext(ctx, string(step), "authorities", len(s.Authorities), "until", s.Leaf.NotAfter) //nolint:sloglint // of a closed set
		}
	}
	if err := k.Trust.Publish(ctx, s.Bundle()); err != nil {
		return at, fmt.Errorf("authorities: %w", err)
	}
	return next, nil
}

// tell logs an error when it comes, changes or goes.
func (k *Keeper) tell(ctx context.Context, err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	switch {
	case ctx.Err() != nil || said == k.said:
		return
	case err != nil:
		k.Log.WarnContext(ctx, "certificates are not kept up to date", "error", err)
	default:
		k.Log.InfoContext(ctx, "certificates are up to date")
	}
	k.said = said
}
