package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// metrics are the operator's own, by name: the sum over all series of a name, and how many there are.
type metrics struct {
	sum    map[string]float64
	series map[string]int
}

// mostMetrics bounds what is read of them: a thousand objects show two megabytes.
const mostMetrics = 64 << 20

func scrape(ctx context.Context, port int) (metrics, error) {
	url := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) + "/metrics"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return metrics{}, err
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		return metrics{}, fmt.Errorf("the operator's metrics: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	if res.StatusCode != http.StatusOK {
		return metrics{}, fmt.Errorf("the operator's metrics at %s: %s", url, res.Status)
	}
	return parse(io.LimitReader(res.Body, mostMetrics))
}

func parse(text io.Reader) (metrics, error) {
	m := metrics{sum: map[string]float64{}, series: map[string]int{}}
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		end := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || end < 0 {
			continue
		}
		v, err := strconv.ParseFloat(line[end+1:], 64)
		if err != nil {
			return metrics{}, fmt.Errorf("the operator's metrics: line %q: %w", line, err)
		}
		name, _, _ := strings.Cut(line[:end], "{")
		m.sum[name] += v
		m.series[name]++
	}
	return m, lines.Err()
}
