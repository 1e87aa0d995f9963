package cert_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/furl-dev/furl/operator/cert"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

const day = 24 * time.Hour

var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	names = cert.Names{"furl.furl-system.svc", "furl-leader.furl-system.svc"}
)

// advance brings a state to an instant and fails the test where that fails.
func advance(t *testing.T, s cert.State, at time.Time) (cert.State, []cert.Step, time.Time) {
	t.Helper()
	is, steps, next, err := cert.Advance(s, names, at)
	if err != nil {
		t.Fatal(err)
	}
	return is, steps, next
}

func TestAdvance_renews_in_time_and_in_order(t *testing.T) {
	type event struct {
		Day         int
		Steps       []cert.Step
		Authorities int
	}
	var got []event
	s, steps, next := advance(t, cert.State{}, begin)
	got = append(got, event{0, steps, len(s.Authorities)})
	for at := next; at.Before(begin.Add(500 * day)); at = next {
		if s, steps, next = advance(t, s, at); !next.After(at) {
			t.Fatalf("at %s there is nothing left to do until %s", at, next)
		}
		got = append(got, event{int(at.Sub(begin) / day), steps, len(s.Authorities)})
	}
	leaf := []cert.Step{cert.NewLeaf}
	want := []event{
		{0, []cert.Step{cert.NewAuthority, cert.NewLeaf}, 1},
		{60, leaf, 1},
		{120, leaf, 1},
		{180, leaf, 1},
		{240, leaf, 1},
		{300, leaf, 1},
		{360, leaf, 1},
		{365, []cert.Step{cert.NewAuthority}, 2},
		{366, leaf, 2}, // by the new authority
		{426, leaf, 2},
		{456, []cert.Step{cert.AuthorityDropped}, 1}, // 90 days after the old one ceased to sign
		{486, leaf, 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAdvance_never_breaks_a_handshake lets years pass and holds at each step,
// with real handshakes, that clients and servers which are behind understand
// each other: a client that has not heard of a new bundle for most of the
// overlap, and a server that still has the certificate before.
func TestAdvance_never_breaks_a_handshake(t *testing.T) {
	s, _, next := advance(t, cert.State{}, begin)
	heard := []cert.State{s}
	for at := next; at.Before(begin.Add(3 * 365 * day)); {
		before := s
		s, _, next = advance(t, s, at)
		heard = append(heard, s)
		shake(t, at, "both up to date", s, s, true)
		shake(t, at, "a client that is behind", before, s, true)
		shake(t, at, "a server that is behind", s, before, at.Before(before.Leaf.NotAfter))
		if next.After(at.Add(10 * day)) {
			next = at.Add(10 * day) // look more often than there is something to do
		}
		at = next
	}
	first, last := heard[0], heard[len(heard)-1]
	at := last.Leaf.NotBefore.Add(day)
	shake(t, at, "a bundle of years ago", first, last, false)
}

// shake tries a handshake of a client with the bundle of one state with a
// server that has the certificate of another.
func shake(t *testing.T, at time.Time, why string, trusts, serves cert.State, want bool) {
	t.Helper()
	data, err := serves.Data()
	if err != nil {
		t.Fatal(err)
	}
	if err := handshake(t.Context(), data["tls.crt"], data["tls.key"], trusts.Bundle(), at); (err == nil) != want {
		t.Errorf("at %s, %s: %v, want success %v", at, why, err, want)
	}
}

// handshake is what an API server does when it calls Furl.
func handshake(ctx context.Context, leaf, key, bundle []byte, at time.Time) error {
	pair, err := tls.X509KeyPair(leaf, key)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	served := make(chan error, 1)
	go func() {
		server, err := l.Accept()
		if err == nil {
			err = tls.Server(server, &tls.Config{Certificates: []tls.Certificate{pair}}).HandshakeContext(ctx)
			_ = server.Close()
		}
		served <- err
	}()
	client, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		return err
	}
	clock := func() time.Time { return at }
	err = tls.Client(client, &tls.Config{RootCAs: roots, ServerName: "furl.furl-system.svc", Time: clock}).HandshakeContext(ctx)
	err = errors.Join(err, <-served) // before the client closes, so that the server hears all of it
	_ = client.Close()
	return err
}

func TestParse_heals_what_somebody_broke(t *testing.T) {
	good, _, _ := advance(t, cert.State{}, begin)
	other, _, _ := advance(t, cert.State{}, begin)
	data, err := good.Data()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Data()
	if err != nil {
		t.Fatal(err)
	}
	later := begin.Add(day)
	if s, steps, _ := advance(t, cert.Parse(data), later); len(steps) > 0 || !bytes.Equal(s.Bundle(), good.Bundle()) {
		t.Errorf("%v was done to what is good", steps)
	}
	for _, tc := range []struct {
		why    string
		change map[string][]byte
		want   []cert.Step
	}{
		{"no authority", map[string][]byte{"ca.crt": nil}, []cert.Step{cert.NewAuthority, cert.NewLeaf}},
		{"an authority that is none", map[string][]byte{"ca.crt": []byte("?")}, []cert.Step{cert.NewAuthority, cert.NewLeaf}},
		{"another's authority", map[string][]byte{"ca.crt": foreign["ca.crt"]}, []cert.Step{cert.NewAuthority, cert.NewLeaf}},
		{"its key is gone: the leaf goes on until the new one is known", map[string][]byte{"ca.key": nil}, []cert.Step{cert.NewAuthority}},
		{"another's certificate", map[string][]byte{"tls.crt": foreign["tls.crt"], "tls.key": foreign["tls.key"]}, []cert.Step{cert.NewLeaf}},
		{"another's key", map[string][]byte{"tls.key": foreign["tls.key"]}, []cert.Step{cert.NewLeaf}},
		{"half a certificate", map[string][]byte{"tls.crt": data["tls.crt"][:100]}, []cert.Step{cert.NewLeaf}},
		{"nothing", map[string][]byte{"ca.crt": nil, "ca.key": nil, "tls.crt": nil, "tls.key": nil}, []cert.Step{cert.NewAuthority, cert.NewLeaf}},
	} {
		broken := maps.Clone(data)
		maps.Copy(broken, tc.change)
		s, steps, _ := advance(t, cert.Parse(broken), later)
		if diff := cmp.Diff(tc.want, steps); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
		shake(t, later, tc.why, s, s, true)
	}
	renamed, steps, _, err := cert.Advance(good, cert.Names{"keda.keda.svc"}, later)
	if err != nil || len(steps) != 1 || renamed.Leaf.VerifyHostname("keda.keda.svc") != nil {
		t.Errorf("other names: %v, %v", steps, err)
	}
}

// vault is a Secret that can be read and replaced.
type vault struct {
	data    map[string][]byte
	version string
	down    error
	stored  int
}

func (v *vault) Load(context.Context) (map[string][]byte, string, error) {
	return maps.Clone(v.data), v.version, v.down
}

func (v *vault) Store(_ context.Context, data map[string][]byte, version string) error {
	if version != v.version {
		return errors.New("conflict")
	}
	v.data, v.version = data, version+"+"
	v.stored++
	return nil
}

// cluster is what API servers check Furl against.
type cluster struct{ bundle []byte }

func (c *cluster) Publish(_ context.Context, bundle []byte) error {
	c.bundle = bytes.Clone(bundle)
	return nil
}

// leaps is a clock on which each wait takes a day.
type leaps struct {
	at    time.Time
	until time.Time
	each  func(time.Time)
}

func (l *leaps) Now() time.Time { return l.at }

func (l *leaps) Wait(context.Context, time.Time) error {
	l.each(l.at)
	l.at = l.at.Add(day)
	if l.at.After(l.until) {
		return context.Canceled
	}
	return nil
}

// TestKeeper_keeps_API_servers_and_replicas_together runs the keeper for two
// years: a replica that loads the Secret, and API servers that check it against
// what was published, agree at every moment.
func TestKeeper_keeps_API_servers_and_replicas_together(t *testing.T) {
	v, c := &vault{}, &cluster{}
	log := slog.New(slog.DiscardHandler)
	replica, err := cert.NewServing(names, begin, log)
	if err != nil {
		t.Fatal(err)
	}
	changes := &counter{}
	replica.AddListener(changes)
	var served []string
	clock := &leaps{at: begin, until: begin.Add(2 * 365 * day)}
	clock.each = func(at time.Time) {
		if at.Equal(begin.Add(100 * day)) {
			v.down = errors.New("API server is away")
		}
		if at.Equal(begin.Add(110 * day)) {
			v.down = nil
		}
		replica.Put(&corev1.Secret{Data: v.data})
		leaf, key := replica.CurrentCertKeyContent()
		if err := handshake(t.Context(), leaf, key, c.bundle, at); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
		if !slices.Contains(served, string(leaf)) {
			served = append(served, string(leaf))
		}
	}
	k := &cert.Keeper{Vault: v, Trust: c, Names: names, Clock: clock, Log: log}
	if err := k.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(served) < 10 || changes.n != len(served) || v.stored > 20 {
		t.Errorf("%d certificates were served, %d changes told, %d states stored", len(served), changes.n, v.stored)
	}
}

type counter struct{ n int }

func (c *counter) Enqueue() { c.n++ }

func TestServing_keeps_what_works(t *testing.T) {
	s, err := cert.NewServing(names, begin, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	before, _ := s.CurrentCertKeyContent()
	s.Put(&corev1.Secret{Data: map[string][]byte{"tls.crt": []byte("?"), "tls.key": nil}})
	if after, _ := s.CurrentCertKeyContent(); !bytes.Equal(before, after) {
		t.Error("a broken Secret took the place of a certificate that works")
	}
}
