package busy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/policy"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
)

const (
	// askAtOnce is how many pods are asked at the same time: more than can be
	// expected to hang, for each that does keeps its place to the end.
	askAtOnce = 128
	// pageAtMost bounds a page: the metrics of a model server are some 50 KB.
	pageAtMost = 1 << 20
)

// Pages reaches pods directly, as kubelets do: no proxy stands between, nothing
// is kept open, and a redirect is an answer like any other.
func Pages() http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true, ResponseHeaderTimeout: askBudget}
}

// ask fills in what each pod has in hand, or why that is not known.
func (r *Ranker) ask(ctx context.Context, all []ranked, given policy.Busy) {
	ctx, stop := context.WithTimeout(ctx, askBudget)
	defer stop()
	var group errgroup.Group
	group.SetLimit(askAtOnce)
	for i := range all {
		a := &all[i]
		where, err := whereOf(a.pod, given)
		switch {
		case err != nil:
			a.why = err
		case where.Condition != "":
			a.load, a.why = condition(a.pod, where.Condition)
		default:
			group.Go(func() error {
				a.load, a.why = r.page(ctx, a.pod, where)
				return nil // each pod keeps its own
			})
		}
	}
	_ = group.Wait() // which has no error to tell
}

// whereOf is where a pod tells what it has in hand: as given, else as its annotation says.
func whereOf(p *corev1.Pod, given policy.Busy) (policy.Busy, error) {
	if given != (policy.Busy{}) {
		return given, nil
	}
	text, says := p.Annotations[api.AnnotationBusy]
	if !says {
		return policy.Busy{}, fmt.Errorf("it has no annotation %s, as others have", api.AnnotationBusy)
	}
	where, err := policy.ParseBusy(text)
	if err != nil {
		return where, fmt.Errorf("annotation %s %q %w", api.AnnotationBusy, text, err)
	}
	return where, nil
}

// condition is 1 while a pod's condition is True and 0 while it is False.
func condition(p *corev1.Pod, name string) (float64, error) {
	for i := range p.Status.Conditions {
		switch c := &p.Status.Conditions[i]; {
		case string(c.Type) != name:
		case c.Status == corev1.ConditionTrue:
			return 1, nil
		case c.Status == corev1.ConditionFalse:
			return 0, nil
		default:
			return 0, fmt.Errorf("its condition %s is %s", name, c.Status)
		}
	}
	return 0, fmt.Errorf("it has no condition %s", name)
}

// page is the sum of a metric's series on a pod's page.
func (r *Ranker) page(ctx context.Context, p *corev1.Pod, where policy.Busy) (float64, error) {
	if p.Status.PodIP == "" {
		return 0, errors.New("it has no address yet")
	}
	address := "http://" + net.JoinHostPort(p.Status.PodIP, strconv.Itoa(int(where.Port))) + where.Path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := r.Pages.RoundTrip(req)
	if err != nil {
		return 0, fmt.Errorf("get %s: %w", address, err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or not wanted any more
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("get %s: answer %d, want 200", address, res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, pageAtMost+1))
	switch {
	case err != nil:
		return 0, fmt.Errorf("get %s: %w", address, err)
	case len(body) > pageAtMost:
		return 0, fmt.Errorf("get %s: the page is longer than %d bytes", address, pageAtMost)
	}
	load, err := sum(body, where.Metric)
	if err != nil {
		return 0, fmt.Errorf("get %s: %w", address, err)
	}
	return load, nil
}

// sum adds up the series of a metric in Prometheus' text format.
func sum(page []byte, metric string) (float64, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(append(page, '\n'))) // the format's last line must end
	if err != nil {
		return 0, errors.New("the page is not in Prometheus' text format")
	}
	family, there := families[metric]
	if !there {
		return 0, fmt.Errorf("the page has no metric %s", metric)
	}
	var total float64
	for _, m := range family.GetMetric() {
		total += value(m)
	}
	if math.IsNaN(total) {
		return 0, fmt.Errorf("metric %s is not a number", metric)
	}
	return total, nil
}

// value is that of a series; what has none, such as a histogram, is not a number.
func value(m *dto.Metric) float64 {
	switch {
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue()
	case m.GetUntyped() != nil:
		return m.GetUntyped().GetValue()
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	default:
		return math.NaN()
	}
}
