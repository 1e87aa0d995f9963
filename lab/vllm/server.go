// Package vllm stands in for a vLLM server: it loads slowly, answers chat completions as fast as a GPU would, and thinks of nothing.
//
// What it says is made up from the prompt, the same each time. What it takes is a model of prefill, decode and batching,
// so that queues build up and drain as they do before a real model, at next to no CPU.
package vllm

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"
)

// Config is what a server needs. Parse reads it from a command line.
type Config struct {
	Model     string        // path or name of the weights, such as Qwen/Qwen3-4B-FP8
	Served    []string      // names that requests may call it by
	MaxLength int           // tokens of prompt and answer together
	Reasons   bool          // it thinks aloud before it answers
	Host      string        // to listen on
	Port      int           // to listen on
	Ignored   []string      // flags of vLLM without a meaning here
	Load      time.Duration // how long it takes until it answers
	Pace      Pace
}

// Server answers as a vLLM server does. Make it with [New], and load it.
type Server struct {
	Config
	pages  *http.ServeMux
	batch  *batch
	loaded atomic.Bool
	counts struct{ read, written, finished atomic.Int64 }
}

// New checks the configuration and gives a server that has not loaded yet.
func New(c Config) (*Server, error) {
	if err := c.Pace.Check(); err != nil {
		return nil, err
	}
	if c.Load < 0 || c.MaxLength < 1 || len(c.Served) == 0 {
		return nil, fmt.Errorf("model %q: %d names, %d tokens, loaded within %v: it needs a name, a length and no negative time",
			c.Model, len(c.Served), c.MaxLength, c.Load)
	}
	s := &Server{Config: c, batch: newBatch(c.Pace), pages: http.NewServeMux()}
	s.pages.HandleFunc("GET /health", s.health)
	s.pages.HandleFunc("GET /ping", s.health)
	s.pages.HandleFunc("GET /metrics", s.metrics)
	s.pages.HandleFunc("GET /version", s.version)
	s.pages.HandleFunc("GET /v1/models", s.models)
	s.pages.HandleFunc("POST /v1/chat/completions", s.complete)
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.pages.ServeHTTP(w, r) }

// LoadModel takes the time that loading takes, and tells of each part; it says false when ctx ended first.
func (s *Server) LoadModel(ctx context.Context, tell func(line string)) bool {
	parts := []string{"downloading weights", "loading weights into GPU memory", "compiling the graph", "capturing CUDA graphs"}
	for i, part := range parts {
		tell(fmt.Sprintf("%s: %s (%d of %d)", s.Model, part, i+1, len(parts)))
		timer := time.NewTimer(s.Load / time.Duration(len(parts)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
	s.loaded.Store(true)
	tell(fmt.Sprintf("%s: ready after %v", s.Model, s.Load))
	return true
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	if !s.loaded.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"version": "lab"})
}

// metrics are the few that autoscalers ask a vLLM server for.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	running, waiting := s.batch.load()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	line := func(name, kind, help string, value float64) {
		fmt.Fprintf(w, "# HELP vllm:%s %s\n# TYPE vllm:%s %s\nvllm:%s{model_name=%q} %v\n", name, help, name, kind, name, s.Served[0], value)
	}
	line("num_requests_running", "gauge", "Number of requests in model execution batches.", float64(running))
	line("num_requests_waiting", "gauge", "Number of requests waiting to be processed.", float64(waiting))
	line("kv_cache_usage_perc", "gauge", "KV-cache usage. 1 means 100 percent usage.", float64(running)/float64(s.Pace.Seats))
	line("prompt_tokens_total", "counter", "Number of prefill tokens processed.", float64(s.counts.read.Load()))
	line("generation_tokens_total", "counter", "Number of generation tokens processed.", float64(s.counts.written.Load()))
	line("request_success_total", "counter", "Count of successfully processed requests.", float64(s.counts.finished.Load()))
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID        string `json:"id"`
		Object    string `json:"object"`
		OwnedBy   string `json:"owned_by"`
		Root      string `json:"root"`
		MaxLength int    `json:"max_model_len"`
	}
	all := make([]model, 0, len(s.Served))
	for _, name := range s.Served {
		all = append(all, model{name, "model", "vllm", s.Model, s.MaxLength})
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": all})
}
