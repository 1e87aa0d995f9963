package vllm

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
)

const (
	maxRequest       = 8 << 20
	defaultMaxTokens = 16 // vLLM's own would be all that is left of the length; a prompt without a limit is rare
	bytesPerToken    = 4  // of English, about
)

// request is the part of a chat completion's request that matters here.
type request struct {
	Model               string    `json:"model"`
	Messages            []message `json:"messages"`
	MaxTokens           *int      `json:"max_tokens"`
	MaxCompletionTokens *int      `json:"max_completion_tokens"`
	Stream              bool      `json:"stream"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// complete implements POST /v1/chat/completions.
func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	if !s.loaded.Load() {
		refuse(w, http.StatusServiceUnavailable, "the model is not loaded yet")
		return
	}
	var q request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&q); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if status, why := s.objection(q); why != "" {
		refuse(w, status, why)
		return
	}
	a := s.compose(q)
	if err := s.batch.work(r.Context(), a.read, a.written); err != nil {
		return // nobody reads an answer
	}
	s.counts.read.Add(int64(a.read))
	s.counts.written.Add(int64(a.written))
	s.counts.finished.Add(1)
	writeJSON(w, http.StatusOK, a.render(q.Model))
}

// objection says why a request is not answered.
func (s *Server) objection(q request) (status int, why string) {
	n := q.limit()
	switch {
	case !slices.Contains(s.Served, q.Model):
		return http.StatusNotFound, fmt.Sprintf("The model `%s` does not exist.", q.Model)
	case len(q.Messages) == 0:
		return http.StatusBadRequest, "messages: the list is empty"
	case q.Stream:
		return http.StatusBadRequest, "stream: the lab's stand-in gives answers in one piece only"
	case n < 1:
		return http.StatusBadRequest, fmt.Sprintf("max_tokens must be at least 1, got %d.", n)
	case n+q.tokens() > s.MaxLength:
		return http.StatusBadRequest, fmt.Sprintf("This model's maximum context length is %d tokens. However, you requested %d tokens and your prompt has %d.",
			s.MaxLength, n, q.tokens())
	}
	return 0, ""
}

func (q request) limit() int {
	for _, n := range []*int{q.MaxCompletionTokens, q.MaxTokens} {
		if n != nil {
			return *n
		}
	}
	return defaultMaxTokens
}

// tokens is about how long the prompt is.
func (q request) tokens() int {
	n := 0
	for _, m := range q.Messages {
		n += 1 + len(m.Content)/bytesPerToken
	}
	return n
}

// reply is an answer before anybody has waited for it.
type reply struct {
	id            string
	thought, text string
	read, written int
	cut           bool // by the limit of tokens
}

// compose makes an answer up, the same one for the same prompt.
func (s *Server) compose(q request) reply {
	h := fnv.New64a()
	for _, m := range q.Messages {
		_, _ = h.Write([]byte(m.Role + "\x00" + m.Content + "\x00"))
	}
	random := rand.New(rand.NewPCG(h.Sum64(), 0)) //nolint:gosec // the same each time is what is wanted
	const shortest, spread = 40, 180              // tokens of an answer that is not cut
	wanted := shortest + random.IntN(spread)
	r := reply{id: fmt.Sprintf("chatcmpl-%016x", h.Sum64()), read: q.tokens(), written: min(wanted, q.limit()), cut: wanted > q.limit()}
	words := babble(random, r.written)
	if s.Reasons {
		n := min(len(words), wanted/3)
		r.thought, words = sentence(words[:n]), words[n:]
	}
	r.text = sentence(words)
	return r
}

func babble(random *rand.Rand, n int) []string {
	vocabulary := strings.Fields("the a pod queue message model answer scale node that which holds waits for with many few under over " +
		"load time until because when again grows shrinks one next each small large quiet busy idle ready first last")
	words := make([]string, n)
	for i := range words {
		words[i] = vocabulary[random.IntN(len(vocabulary))]
	}
	return words
}

func sentence(words []string) string {
	if len(words) == 0 {
		return ""
	}
	text := strings.Join(words, " ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}

// render gives the reply as OpenAI's chat completion. As with a real model, one that thinks aloud may be cut before it
// says anything.
func (r reply) render(model string) any {
	said := map[string]any{"role": "assistant", "content": nil, "reasoning_content": nil, "tool_calls": []any{}}
	if r.text != "" {
		said["content"] = r.text
	}
	if r.thought != "" {
		said["reasoning_content"] = r.thought
	}
	finish := "stop"
	if r.cut {
		finish = "length"
	}
	return map[string]any{
		"id": r.id, "object": "chat.completion", "model": model,
		"choices": []any{map[string]any{"index": 0, "message": said, "finish_reason": finish}},
		"usage":   map[string]int{"prompt_tokens": r.read, "completion_tokens": r.written, "total_tokens": r.read + r.written},
	}
}

func refuse(w http.ResponseWriter, status int, why string) {
	kind := "BadRequestError"
	switch status {
	case http.StatusNotFound:
		kind = "NotFoundError"
	case http.StatusServiceUnavailable:
		kind = "ServiceUnavailableError"
	}
	writeJSON(w, status, map[string]any{"error": map[string]any{"message": why, "type": kind, "param": nil, "code": status}})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	raw, err := json.Marshal(value)
	if err != nil { // our own values always encode
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that went away needs no answer
}
