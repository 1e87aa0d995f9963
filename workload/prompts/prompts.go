// Package prompts fills a queue with requests for a language model.
package prompts

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"time"
)

// samples are what people might ask; one is picked at random for each message.
func samples() []string {
	return []string{
		"Explain how a hash table works to somebody who has never programmed.",
		"Write a haiku about a river in winter.",
		"What are the main causes of inflation?",
		"Summarise the plot of Moby-Dick in three sentences.",
		"Give me a recipe for a quick vegetarian dinner.",
		"Why is the sky blue, and why is it red at sunset?",
		"Compare TCP and UDP, and say when to use which.",
		"Write a short story about a lighthouse keeper who finds a letter.",
		"What should I look at when I buy a used bicycle?",
		"Explain the difference between supervised and unsupervised learning.",
		"How does a vaccine teach the immune system?",
		"Draft a polite e-mail that asks for a deadline to be moved by a week.",
		"List five habits that help people sleep better, with a reason for each.",
		"What does a Kubernetes operator do?",
		"Describe the water cycle for a ten-year-old.",
		"Write a Go function that reverses the words of a sentence.",
		"What are the advantages of a message queue between two services?",
		"Translate 'Where is the nearest railway station?' into French, German and Spanish.",
		"How do bees find their way back to the hive?",
		"Give three arguments for and three against a four-day working week.",
	}
}

// Letter is one message as the consumer reads it.
type Letter struct {
	ID         string     `json:"id"`
	Prompt     string     `json:"prompt"`
	Timestamp  string     `json:"timestamp"`
	Parameters Parameters `json:"parameters"`
}

// Parameters are how the model is to answer.
type Parameters struct {
	MaxTokens   int     `json:"max_tokens"`
	Temperature float64 `json:"temperature"`
}

// attributeName and attributeValue mark every message.
const (
	attributeName  = "prompt_type"
	attributeValue = "text_generation"
)

// write makes a letter of a random sample.
func write(at time.Time) (id, body string, err error) {
	all := samples()
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(all))))
	if err != nil {
		return "", "", fmt.Errorf("pick a prompt: %w", err)
	}
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	id = fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
	text, err := json.Marshal(Letter{
		ID: id, Prompt: all[n.Int64()], Timestamp: at.UTC().Format(time.RFC3339Nano),
		Parameters: Parameters{MaxTokens: 150, Temperature: 0.7},
	})
	if err != nil {
		return "", "", fmt.Errorf("encode a prompt: %w", err)
	}
	return id, string(text), nil
}
