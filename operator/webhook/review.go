package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/furl-dev/furl/operator/webhook/admit"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reviewer judges the objects of one kind.
type Reviewer struct {
	// Path is where it is asked.
	Path string
	// Kind is the kind it judges.
	Kind string
	// Judge answers a request to create or update. An error says that nobody
	// knows: the webhook's failurePolicy decides then.
	Judge func(ctx context.Context, r *admissionv1.AdmissionRequest) (admit.Answer, error)
}

// door is one path: a review in, a review out.
type door struct {
	reviewer Reviewer
	meter    *Meter
	log      *slog.Logger
	free     chan struct{}
}

// ServeHTTP implements http.Handler. Whatever goes wrong is answered as an
// error, which a failurePolicy of Ignore lets through.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, stop := context.WithTimeout(r.Context(), ruleTimeout)
	defer stop()
	select {
	case d.free <- struct{}{}:
		defer func() { <-d.free }()
	case <-ctx.Done():
		http.Error(w, "too many reviews at once", http.StatusServiceUnavailable)
		return
	}
	review, err := read(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := d.judge(ctx, review.Request)
	d.meter.count(d.reviewer.Kind, review.Request, &answer, err)
	if err != nil {
		d.log.WarnContext(ctx, "nobody judged an object", "kind", d.reviewer.Kind, "namespace", review.Request.Namespace,
			"name", review.Request.Name, "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body, err := json.Marshal(reply(review, &answer))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // who asked has gone: nothing to do about it
}

// read takes a review in.
func read(w http.ResponseWriter, r *http.Request) (*admissionv1.AdmissionReview, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, fmt.Errorf("content type %q: want application/json", r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBytes))
	if err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	review := new(admissionv1.AdmissionReview)
	if err := json.Unmarshal(body, review); err != nil {
		return nil, fmt.Errorf("review: %w", err)
	}
	switch {
	case review.GroupVersionKind() != admissionv1.SchemeGroupVersion.WithKind("AdmissionReview"):
		return nil, fmt.Errorf("review of %s: want %s", review.GroupVersionKind(), admissionv1.SchemeGroupVersion)
	case review.Request == nil:
		return nil, errors.New("review without a request")
	}
	return review, nil
}

// judge turns a panic into an error: one object that trips us must not end the
// process that scales all others.
func (d *door) judge(ctx context.Context, r *admissionv1.AdmissionRequest) (a admit.Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = admit.Answer{}, fmt.Errorf("%s %s/%s: panic: %v", d.reviewer.Kind, r.Namespace, r.Name, p)
		}
	}()
	if r.Operation != admissionv1.Create && r.Operation != admissionv1.Update {
		return admit.Answer{}, nil // nothing that is there is kept from going
	}
	return d.reviewer.Judge(ctx, r)
}

// What an API server passes on: it cuts single warnings at 256 characters once
// all are longer than 4096.
const (
	warningsAtMost = 20
	warningAtMost  = 1000
	messageAtMost  = 8 << 10
)

// reply is the review that goes out.
func reply(review *admissionv1.AdmissionReview, a *admit.Answer) *admissionv1.AdmissionReview {
	out := &admissionv1.AdmissionReview{
		TypeMeta: review.TypeMeta,
		Response: &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: len(a.Refusals) == 0},
	}
	for _, w := range a.Warnings[:min(len(a.Warnings), warningsAtMost)] {
		out.Response.Warnings = append(out.Response.Warnings, cut(w, warningAtMost))
	}
	if !out.Response.Allowed {
		out.Response.Result = &metav1.Status{
			Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: cut(a.Message(), messageAtMost),
		}
	}
	return out
}

func cut(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	return strings.ToValidUTF8(s[:bytes], "") + "…"
}
