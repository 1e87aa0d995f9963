package inference

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Pages serves what others want to know of the worker:
//
//	/metrics  counts, for Prometheus and for whoever asks how many messages are held
//	/healthz  200 while the process lives
//	/readyz   200 while messages are received
//	/drained  answers once the worker has ended; a preStop hook of the model's container waits for it, so that the model
//	          stays as long as its last prompt
func (w *Worker) Pages() http.Handler {
	pages := http.NewServeMux()
	pages.Handle("GET /metrics", promhttp.HandlerFor(w.counts.registry, promhttp.HandlerOpts{}))
	pages.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { say(rw, http.StatusOK, "ok\n") })
	pages.HandleFunc("GET /readyz", func(rw http.ResponseWriter, _ *http.Request) {
		if !w.ready.Load() {
			say(rw, http.StatusServiceUnavailable, "waiting for the model, or ending\n")
			return
		}
		say(rw, http.StatusOK, "ok\n")
	})
	pages.HandleFunc("GET /drained", w.untilDrained)
	return pages
}

// drainSlack is what giving messages back may take after the grace.
const drainSlack = 5 * time.Second

func (w *Worker) untilDrained(rw http.ResponseWriter, r *http.Request) {
	over := time.NewTimer(w.settings.Grace + drainSlack)
	defer over.Stop()
	select {
	case <-w.drained:
		say(rw, http.StatusOK, "drained\n")
	case <-over.C:
		say(rw, http.StatusServiceUnavailable, "the worker still works\n")
	case <-r.Context().Done():
	}
}

func say(rw http.ResponseWriter, status int, text string) {
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = rw.Write([]byte(text)) // a client that went away needs no answer
}
