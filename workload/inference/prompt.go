package inference

import (
	"encoding/json"
	"errors"
	"fmt"
)

const (
	defaultMaxTokens   = 150
	defaultTemperature = 0.7
)

// prompt is what a message asks for.
type prompt struct {
	id          string
	text        string
	maxTokens   int
	temperature float64
}

// parsePrompt reads the body of a message, as the prompt generator writes it.
func parsePrompt(body string) (prompt, error) {
	var m struct {
		ID         string `json:"id"`
		Prompt     string `json:"prompt"`
		Parameters struct {
			MaxTokens   *int     `json:"max_tokens"`
			Temperature *float64 `json:"temperature"`
		} `json:"parameters"`
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		return prompt{}, fmt.Errorf("body of the message: %w (want JSON with a prompt)", err)
	}
	if m.Prompt == "" {
		return prompt{}, errors.New("body of the message: no prompt in it")
	}
	p := prompt{id: m.ID, text: m.Prompt, maxTokens: defaultMaxTokens, temperature: defaultTemperature}
	if n := m.Parameters.MaxTokens; n != nil {
		p.maxTokens = *n
	}
	if n := m.Parameters.Temperature; n != nil {
		p.temperature = *n
	}
	return p, nil
}
