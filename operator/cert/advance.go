package cert

import (
	"crypto/ecdsa"
	"crypto/x509"
	"slices"
	"time"
)

// How long things live. A leaf is renewed with a third of its life left, an
// authority with half, so that weeks of a broken operator hurt nobody.
const (
	leafLife       = 90 * 24 * time.Hour
	leafRenew      = 60 * 24 * time.Hour
	authorityLife  = 2 * 365 * 24 * time.Hour
	authorityRenew = 365 * 24 * time.Hour
	// overlap is how long a new authority is trusted before it signs: time for
	// every API server to hear of it, and for a broken permission to be mended.
	overlap = 24 * time.Hour
	// backdate lets a peer whose clock is behind accept what is new.
	backdate = time.Hour
)

// Step is one thing that Advance did.
type Step string

// All that Advance may do.
const (
	NewAuthority     Step = "new authority"
	NewLeaf          Step = "new certificate"
	AuthorityDropped Step = "old authority dropped"
)

// Advance brings a state to where it should be at an instant, and says when to
// look again. The state is not modified. Its life:
//
//	authority A signs ─────────────────────┐
//	authority B is made, and trusted ──┐   │
//	B signs, a day later ──────────────┼───┤
//	A is not trusted any more ─────────┼───┼── when all that it signed has run out
func Advance(s State, names Names, at time.Time) (State, []Step, time.Time, error) {
	var steps []Step
	s.Authorities = slices.Clone(s.Authorities)
	if s.needsAuthority(at) {
		if err := s.addAuthority(at); err != nil {
			return State{}, nil, time.Time{}, err
		}
		steps = append(steps, NewAuthority)
	}
	if s.needsLeaf(names, at) {
		if err := s.addLeaf(names, at); err != nil {
			return State{}, nil, time.Time{}, err
		}
		steps = append(steps, NewLeaf)
	}
	kept := len(s.Authorities)
	s.Authorities = slices.DeleteFunc(s.Authorities, func(a *x509.Certificate) bool {
		return a != s.Authorities[0] && !at.Before(s.until(a))
	})
	if len(s.Authorities) < kept {
		steps = append(steps, AuthorityDropped)
	}
	return s, steps, s.next(at), nil
}

// made is when a certificate of ours was made.
func made(c *x509.Certificate) time.Time { return c.NotBefore.Add(backdate) }

// signs is when the newest authority begins to sign in place of the one before.
func (s *State) signs() time.Time { return made(s.Authorities[0]).Add(overlap) }

// until is when an older authority has nothing left that it signed.
func (s *State) until(a *x509.Certificate) time.Time {
	last := s.signs().Add(leafLife)
	if a.NotAfter.Before(last) {
		return a.NotAfter
	}
	return last
}

func (s *State) needsAuthority(at time.Time) bool {
	return len(s.Authorities) == 0 || s.Key == nil || !at.Before(made(s.Authorities[0]).Add(authorityRenew))
}

// needsLeaf says that the leaf is no longer good, or is due. One that is due
// waits for a new authority to be known everywhere.
func (s *State) needsLeaf(names Names, at time.Time) bool {
	if s.Leaf == nil || !at.Before(s.Leaf.NotAfter) || !names.covered(s.Leaf) {
		return true
	}
	by := slices.IndexFunc(s.Authorities, func(a *x509.Certificate) bool { return s.Leaf.CheckSignatureFrom(a) == nil })
	if by < 0 || !at.Before(s.Authorities[by].NotAfter) {
		return true
	}
	due := by > 0 || !at.Before(made(s.Leaf).Add(leafRenew))
	return due && (len(s.Authorities) == 1 || !at.Before(s.signs()))
}

// next is the first instant at which there is something to do.
func (s *State) next(at time.Time) time.Time {
	next := made(s.Authorities[0]).Add(authorityRenew)
	sooner := func(t time.Time) {
		if t.After(at) && t.Before(next) {
			next = t
		}
	}
	sooner(made(s.Leaf).Add(leafRenew))
	if len(s.Authorities) > 1 {
		sooner(s.signs())
	}
	for _, a := range s.Authorities[1:] {
		sooner(s.until(a))
	}
	return next
}

func (s *State) addAuthority(at time.Time) error {
	cert, key, err := authority(at)
	if err != nil {
		return err
	}
	s.Authorities, s.Key = append([]*x509.Certificate{cert}, s.Authorities...), key
	return nil
}

func (s *State) addLeaf(names Names, at time.Time) (err error) {
	s.Leaf, s.LeafKey, err = s.issue(names, at)
	return err
}

func (s *State) issue(names Names, at time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	return sign(names.template(at), s.Authorities[0], s.Key)
}
