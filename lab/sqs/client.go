package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// clientTimeout leaves room for the longest poll.
const clientTimeout = 30 * time.Second

// Ask sends one operation of the service's JSON protocol, such as GetQueueAttributes, and gives the answer's JSON; it is
// for commands, which have no need of an SDK.
func Ask(ctx context.Context, client *http.Client, service, name string, in any) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode the request %s: %w", name, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, service, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the queue service %s: %w", service, err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("X-Amz-Target", targetPrefix+name)
	response, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask the queue service: %w (is the lab up? see `furl lab status`)", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxRequest))
	if err != nil {
		return nil, fmt.Errorf("read the answer of the queue service: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return raw, nil
	}
	var said struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(raw, &said); err != nil || said.Message == "" {
		return nil, fmt.Errorf("%s: the queue service answered %s", name, response.Status)
	}
	return nil, fmt.Errorf("%s: %s", name, said.Message)
}
