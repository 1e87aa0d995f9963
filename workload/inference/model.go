package inference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	maxAnswer     = 8 << 20 // bytes of a response
	healthTimeout = 5 * time.Second
)

// ErrModelAway says that the model's server cannot be asked now, which is not the prompt's fault.
var ErrModelAway = errors.New("the model does not answer")

// Model is a server with OpenAI's chat completions, such as vLLM.
type Model struct {
	Client   *http.Client
	Endpoint string // base URL, such as http://localhost:8000
	Name     string // as the server knows the model
}

// Healthy asks whether the model is loaded.
func (m *Model) Healthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url("/health"), http.NoBody)
	if err != nil {
		return fmt.Errorf("ask for the model's health: %w", err)
	}
	response, err := m.Client.Do(r)
	if err != nil {
		return fmt.Errorf("ask for the model's health: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for the model's health at %s: %s", m.url("/health"), response.Status)
	}
	return nil
}

func (m *Model) url(path string) string { return strings.TrimSuffix(m.Endpoint, "/") + path }

// answer is what the model said.
type answer struct {
	text   string
	tokens int
	finish string // why it ended: stop or length
}

// completion is the part of a chat completion that is read.
type completion struct {
	Choices []struct {
		Message struct {
			Content          string `json:"content"`
			ReasoningContent string `json:"reasoning_content"`
			Reasoning        string `json:"reasoning"` // its name in vLLM since 0.12
		} `json:"message"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		CompletionTokens int `json:"completion_tokens"`
	} `json:"usage"`
}

// answer asks the model. The error wraps ErrModelAway when another worker could do better.
func (m *Model) answer(ctx context.Context, p prompt) (answer, error) {
	body, err := json.Marshal(map[string]any{
		"model":       m.Name,
		"messages":    []map[string]string{{"role": "user", "content": p.text}},
		"max_tokens":  p.maxTokens,
		"temperature": p.temperature,
	})
	if err != nil {
		return answer{}, fmt.Errorf("encode the prompt: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url("/v1/chat/completions"), bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("ask the model: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := m.Client.Do(r)
	if err != nil {
		return answer{}, fmt.Errorf("ask the model: %w", away(ctx, err))
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return answer{}, fmt.Errorf("read the model's answer: %w", away(ctx, err))
	}
	if len(raw) > maxAnswer {
		return answer{}, fmt.Errorf("the model's answer is larger than %d bytes", maxAnswer)
	}
	if response.StatusCode != http.StatusOK {
		return answer{}, refusal(response, raw)
	}
	return readCompletion(raw)
}

// away adds that the model does not answer, unless it was our own end of the line.
func away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(ErrModelAway, err)
}

// refusal is the error of a response that is no answer.
func refusal(response *http.Response, raw []byte) error {
	const enough = 300 // bytes of explanation
	said := strings.TrimSpace(string(raw[:min(len(raw), enough)]))
	err := fmt.Errorf("the model answered %s: %s", response.Status, said)
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return errors.Join(ErrModelAway, err)
	}
	return err
}

func readCompletion(raw []byte) (answer, error) {
	var c completion
	if err := json.Unmarshal(raw, &c); err != nil {
		return answer{}, fmt.Errorf("the model's answer: %w", err)
	}
	if len(c.Choices) == 0 {
		return answer{}, errors.New("the model's answer has no choices")
	}
	said := c.Choices[0].Message
	a := answer{text: said.Content, tokens: c.Usage.CompletionTokens, finish: c.Choices[0].FinishReason}
	// A model that thinks aloud may have spent all its tokens before the answer proper.
	for _, thought := range []string{said.ReasoningContent, said.Reasoning} {
		if a.text == "" {
			a.text = thought
		}
	}
	if a.text == "" {
		return answer{}, errors.New("the model's answer is empty")
	}
	return a, nil
}
