package kubelet

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	reviewTimeout = 10 * time.Second
	keepAllowed   = 2 * time.Minute  // how long a yes is believed: the kubelet's default for tokens
	keepDenied    = 10 * time.Second // and a no: a new role binding should show soon
	maxVerdicts   = 1000             // then all are forgotten
)

// door lets in who may come in: anybody with a certificate of the right authority, and to the metrics whoever has a
// token that the API server allows to get nodes/metrics.
type door struct {
	node   string
	client kubernetes.Interface

	mu    sync.Mutex // guards known
	known map[[32]byte]verdict
}

type verdict struct {
	status int
	text   string
	until  time.Time
}

func (d *door) certificate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !certified(r) {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (d *door) metrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if certified(r) {
			next.ServeHTTP(w, r)
			return
		}
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || token == "" {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		if v := d.judge(r.Context(), token); v.status != http.StatusOK {
			http.Error(w, v.text, v.status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func certified(r *http.Request) bool { return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 }

// judge remembers verdicts by the token's hash, so that no secret stays in memory.
func (d *door) judge(ctx context.Context, token string) verdict {
	key, now := sha256.Sum256([]byte(token)), time.Now()
	d.mu.Lock()
	v, ok := d.known[key]
	d.mu.Unlock()
	if ok && now.Before(v.until) {
		return v
	}
	v = d.review(ctx, token)
	switch v.status {
	case http.StatusOK:
		v.until = now.Add(keepAllowed)
	case http.StatusInternalServerError: // the API server did not answer: ask again next time
	default:
		v.until = now.Add(keepDenied)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxVerdicts {
		clear(d.known)
	}
	d.known[key] = v
	return v
}

func (d *door) review(ctx context.Context, token string) verdict {
	ctx, cancel := context.WithTimeout(ctx, reviewTimeout)
	defer cancel()
	who, err := d.client.AuthenticationV1().TokenReviews().Create(ctx,
		&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return verdict{status: http.StatusInternalServerError, text: fmt.Sprintf("reviewing the token: %v", err)}
	}
	if !who.Status.Authenticated {
		return verdict{status: http.StatusUnauthorized, text: "Unauthorized"}
	}
	user := who.Status.User
	extra := make(map[string]authorizationv1.ExtraValue, len(user.Extra))
	for k, v := range user.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	may, err := d.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: "get", Version: "v1", Resource: "nodes", Subresource: "metrics", Name: d.node,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return verdict{status: http.StatusInternalServerError, text: fmt.Sprintf("reviewing access: %v", err)}
	}
	if !may.Status.Allowed {
		return verdict{status: http.StatusForbidden, text: fmt.Sprintf(
			"Forbidden (user=%s, verb=get, resource=nodes, subresource(s)=[metrics])", user.Username)}
	}
	return verdict{status: http.StatusOK}
}
