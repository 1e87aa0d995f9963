package kubelet

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	want, err := logOptions(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	out := &flushing{w: w, to: http.NewResponseController(w)}
	err = s.Pods.Logs(r.Context(), named(r), want, out)
	var p *StatusError
	switch {
	case err == nil && !out.begun:
		out.begin()
	case out.begun || err == nil:
	case errors.As(err, &p):
		http.Error(w, p.Text, p.Status)
	default:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// logOptions reads the query as the kubelet does.
func logOptions(q url.Values) (*corev1.PodLogOptions, error) {
	o := &corev1.PodLogOptions{}
	for _, f := range []struct {
		name string
		to   *bool
	}{{"follow", &o.Follow}, {"previous", &o.Previous}, {"timestamps", &o.Timestamps}} {
		if v := q.Get(f.name); v != "" {
			*f.to = v != "false" && v != "0"
		}
	}
	for _, f := range []struct {
		name  string
		least int64
		to    **int64
	}{{"tailLines", 0, &o.TailLines}, {"limitBytes", 1, &o.LimitBytes}, {"sinceSeconds", 1, &o.SinceSeconds}} {
		v := q.Get(f.name)
		if v == "" || v == "all" {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < f.least {
			return nil, fmt.Errorf("log option %s=%q: want a number from %d", f.name, v, f.least)
		}
		*f.to = &n
	}
	if v := q.Get("sinceTime"); v != "" {
		at, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return nil, fmt.Errorf("log option sinceTime=%q: want an RFC 3339 time: %w", v, err)
		}
		since := metav1.NewTime(at)
		o.SinceTime = &since
	}
	switch v := q.Get("stream"); v {
	case "", corev1.LogStreamAll, corev1.LogStreamStdout, corev1.LogStreamStderr:
		if v != "" {
			o.Stream = &v
		}
	default:
		return nil, fmt.Errorf("log option stream=%q: want All, Stdout or Stderr", v)
	}
	return o, nil
}

// flushing sends each piece at once, for who follows a log.
type flushing struct {
	w     http.ResponseWriter
	to    *http.ResponseController
	begun bool
}

func (f *flushing) begin() {
	f.begun = true
	f.w.Header().Set("Content-Type", "text/plain")
	f.w.WriteHeader(http.StatusOK)
	_ = f.to.Flush()
}

func (f *flushing) Write(p []byte) (int, error) {
	if !f.begun {
		f.begin()
	}
	n, err := f.w.Write(p)
	if err == nil {
		err = f.to.Flush()
	}
	return n, err
}

// compressed gives a gzip writer to who asked for it.
func compressed(w http.ResponseWriter, r *http.Request) (out io.Writer, done func()) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return w, func() {}
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	return z, func() { _ = z.Close() }
}
