package images

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrInvalid says that a text is no image reference at all; a kubelet reports InvalidImageName.
var ErrInvalid = errors.New("invalid image reference")

// Reference is an image name in parts, with the defaults of Docker Hub filled in.
type Reference struct {
	Registry   string // "docker.io" when the name has none
	Repository string // "library/" before a one-part name of Docker Hub
	Tag        string // empty when the name has none
	Digest     string // "sha256:…", empty when the name has none
}

// hub is the registry of a name that has none, as container runtimes fill it in.
const hub = "docker.io"

// maxLength is the longest repository with its registry that registries accept.
const maxLength = 255

// grammar holds the patterns of the distribution specification for each part.
type grammar struct{ registry, repository, tag, digest *regexp.Regexp }

func newGrammar() grammar {
	const part = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`
	return grammar{
		registry:   regexp.MustCompile(`^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9]|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$`),
		repository: regexp.MustCompile(`^` + part + `(?:/` + part + `)*$`),
		tag:        regexp.MustCompile(`^\w[\w.-]{0,127}$`),
		digest:     regexp.MustCompile(`^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}$`),
	}
}

// Parse takes "nginx", "quay.io:443/team/app:v1" or "app@sha256:…" apart; the error wraps ErrInvalid.
func Parse(image string) (Reference, error) {
	rest, digest, hasDigest := strings.Cut(image, "@")
	registry, path := splitRegistry(rest)
	repository, tag, hasTag := strings.Cut(path, ":")
	ref := Reference{Registry: registry, Repository: repository, Tag: tag, Digest: digest}
	if ref.Registry == hub && !strings.Contains(ref.Repository, "/") {
		ref.Repository = "library/" + ref.Repository
	}
	g := newGrammar()
	switch {
	case !g.repository.MatchString(repository):
		return Reference{}, invalid(image, "the repository", repository)
	case !g.registry.MatchString(registry):
		return Reference{}, invalid(image, "the registry", registry)
	case len(ref.Registry)+1+len(ref.Repository) > maxLength:
		return Reference{}, fmt.Errorf("%w: its name is longer than %d characters", ErrInvalid, maxLength)
	case hasTag && !g.tag.MatchString(tag):
		return Reference{}, invalid(image, "the tag", tag)
	case hasDigest && !g.digest.MatchString(digest):
		return Reference{}, invalid(image, "the digest", digest)
	}
	return ref, nil
}

func invalid(image, part, value string) error {
	return fmt.Errorf("%w %q: %s is %q", ErrInvalid, image, part, value)
}

// splitRegistry follows the runtimes' rule: the first part is a registry when it looks like a host.
func splitRegistry(name string) (registry, path string) {
	first, rest, found := strings.Cut(name, "/")
	if !found || (!strings.ContainsAny(first, ".:") && first != "localhost") {
		return hub, name
	}
	if first == "index.docker.io" {
		first = hub
	}
	return first, rest
}

// Name is the full name without tag and digest, such as "docker.io/library/busybox".
func (r Reference) Name() string { return r.Registry + "/" + r.Repository }

// base is the last part of the repository, such as "busybox".
func (r Reference) base() string {
	return r.Repository[strings.LastIndexByte(r.Repository, '/')+1:]
}
