package vllm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPort      = 8000
	defaultMaxLength = 32768
	// DefaultLoad is far below the minutes that weights take from the network, and long enough that the walkthrough's 50
	// messages, which come within 25 s, are all in the queue before the first of them is answered.
	DefaultLoad = 30 * time.Second
)

// Parse reads the command line of vLLM, with or without its first words "serve" and the model, as in
//
//	vllm serve Qwen/Qwen3-4B-FP8 --served-model-name=qwen3-4b-fp8 --max-model-len=32768
//
// and what is said of the stand-in alone from the environment: FURL_MODEL_LOAD (a duration), and in tokens a second
// FURL_MODEL_PREFILL, FURL_MODEL_SINGLE and FURL_MODEL_TOTAL. Flags that mean nothing here are remembered as ignored.
func Parse(args []string, getenv func(string) string) (Config, error) {
	c := Config{Port: defaultPort, MaxLength: defaultMaxLength, Load: DefaultLoad, Pace: DefaultPace()}
	if len(args) > 0 && args[0] == "serve" {
		args = args[1:]
	}
	for len(args) > 0 {
		var err error
		if args, err = c.next(args); err != nil {
			return c, err
		}
	}
	if c.Model == "" {
		return c, errors.New("no model is named: say `vllm serve MODEL`")
	}
	if len(c.Served) == 0 {
		c.Served = []string{c.Model}
	}
	return c, c.environment(getenv)
}

// next takes one flag with its values, or the model, from the words and gives the rest.
func (c *Config) next(args []string) ([]string, error) {
	word, rest := args[0], args[1:]
	flag, isFlag := strings.CutPrefix(word, "--")
	if !isFlag {
		if c.Model != "" {
			return nil, fmt.Errorf("%q stands after the model %q: only flags do", word, c.Model)
		}
		c.Model = word
		return rest, nil
	}
	name, value, given := strings.Cut(flag, "=")
	values := []string{value}
	if !given {
		values = nil
		for len(rest) > 0 && !strings.HasPrefix(rest[0], "--") && (len(values) == 0 || name == "served-model-name") {
			values, rest = append(values, rest[0]), rest[1:]
		}
	}
	return rest, c.set(name, values)
}

func (c *Config) set(name string, values []string) error {
	numbers := map[string]*int{"port": &c.Port, "max-model-len": &c.MaxLength, "max-num-seqs": &c.Pace.Seats}
	number := numbers[name]
	switch {
	case number == nil && name != "model" && name != "host" && name != "served-model-name" && name != "reasoning-parser":
		c.Ignored = append(c.Ignored, "--"+name)
		return nil
	case len(values) == 0:
		return fmt.Errorf("--%s needs a value", name)
	}
	switch name {
	case "model":
		c.Model = values[0]
	case "host":
		c.Host = values[0]
	case "served-model-name":
		c.Served = values
	case "reasoning-parser":
		c.Reasons = values[0] != ""
	default:
		n, err := strconv.Atoi(values[0])
		if err != nil || n < 1 {
			return fmt.Errorf("--%s=%s: give a number above zero", name, values[0])
		}
		*number = n
	}
	return nil
}

// environment reads what is said of the stand-in alone.
func (c *Config) environment(getenv func(string) string) error {
	if text := getenv("FURL_MODEL_LOAD"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return fmt.Errorf("environment FURL_MODEL_LOAD=%q: give a duration such as 20s", text)
		}
		c.Load = d
	}
	for name, speed := range map[string]*float64{
		"FURL_MODEL_PREFILL": &c.Pace.Prefill, "FURL_MODEL_SINGLE": &c.Pace.Single, "FURL_MODEL_TOTAL": &c.Pace.Total,
	} {
		text := getenv(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n > 0) {
			return fmt.Errorf("environment %s=%q: give tokens a second, above zero", name, text)
		}
		*speed = n
	}
	return nil
}
