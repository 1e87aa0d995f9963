package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health answers whether Furl is alive and ready, and with its metrics.
type health struct {
	address string
	mux     *http.ServeMux
	log     *slog.Logger
	// waits names the watches that are not synced yet; nil when all are.
	waits atomic.Pointer[func() []string]
}

// Limits of a server that answers probes and scrapes only.
const (
	headerTimeout = 5 * time.Second
	answerTimeout = 30 * time.Second
	endTimeout    = 5 * time.Second
)

func newHealth(address string, g prometheus.Gatherer, log *slog.Logger) *health {
	h := &health{address: address, mux: http.NewServeMux(), log: log}
	h.mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{Timeout: answerTimeout}))
	h.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	h.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		waits := h.waits.Load()
		if waits == nil {
			answer(w, http.StatusOK, "ok")
			return
		}
		answer(w, http.StatusServiceUnavailable, "waiting for the first list of: "+strings.Join((*waits)(), ", "))
	})
	return h
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // who asked has gone: nothing to do about it
}

// serve answers until ctx ends.
func (h *health) serve(ctx context.Context) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", h.address)
	if err != nil {
		return fmt.Errorf("listen on --metrics-bind-address %s: %w", h.address, err)
	}
	s := &http.Server{
		Handler: h.mux, ReadHeaderTimeout: headerTimeout, WriteTimeout: answerTimeout,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}
	defer context.AfterFunc(ctx, func() {
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer stop()
		if s.Shutdown(end) != nil {
			_ = s.Close() // somebody would not stop reading
		}
	})()
	if err := s.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on --metrics-bind-address %s: %w", h.address, err)
	}
	return nil
}
