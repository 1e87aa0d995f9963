package external

import (
	"context"
	"crypto/x509"
	"errors"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/furl-dev/furl/triggers/external/externalscaler"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
)

func TestExternal_keeps_what_every_trigger_promises(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			triggertest.Run(t, triggertest.Suite{
				Kind: kind,
				Input: func(address string) trigger.Input {
					in := input(address)
					in.Metadata["passwordFromEnv"], in.Env["PASSWORD"] = "PASSWORD", "hunter2"
					return in
				},
				Start:   func(t *testing.T) string { return serve(t, queue(5)).address },
				Address: func(hostport string) string { return hostport },
				Secrets: []string{"hunter2"}, Evidence: evidence.Real,
				Bad: []triggertest.Bad{
					{Why: "no address", Change: map[string]string{"scalerAddress": ""}, Says: "scalerAddress"},
					{Why: "no boolean", Change: map[string]string{"enableTLS": "perhaps"}, Says: "enableTLS"},
				},
			})
		})
	}
}

func read(t *testing.T, s trigger.Source) (trigger.Sample, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return s.Read(ctx)
}

func metricsOf(t *testing.T, s trigger.Source) ([]trigger.Metric, error) {
	t.Helper()
	d, ok := s.(trigger.Described)
	if !ok {
		t.Fatalf("%T names no metrics", s)
	}
	return d.Metrics(t.Context())
}

func TestExternal_reads_every_metric_and_whether_there_is_work(t *testing.T) {
	s := &service{
		specs: func(context.Context) (*externalscaler.GetMetricSpecResponse, error) {
			return specs(
				&externalscaler.MetricSpec{MetricName: "orders.open", TargetSizeFloat: 0.5},
				&externalscaler.MetricSpec{MetricName: "returns", TargetSize: 20},
			), nil
		},
		values: func(_ context.Context, metric string) (*externalscaler.GetMetricsResponse, error) {
			if metric == "returns" { // a server from before metricValueFloat
				return values(&externalscaler.MetricValue{MetricName: metric, MetricValue: 41}), nil
			}
			return values(
				&externalscaler.MetricValue{MetricName: metric, MetricValue: 9, MetricValueFloat: 1.25},
				&externalscaler.MetricValue{MetricName: metric, MetricValueFloat: 2},
			), nil
		},
		active: func(context.Context) (bool, error) { return false, nil },
	}
	in := input(serve(t, s).address)
	in.Metadata["region"], in.Metadata["tokenFromEnv"], in.Metadata["goneFromEnv"] = "north", "TOKEN", "GONE"
	in.Env["TOKEN"] = "hunter2"
	source := pull(t, in)

	metrics, err := metricsOf(t, source)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]trigger.Metric{{Name: "orders.open", Target: 0.5}, {Name: "returns", Target: 20}}, metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	sample, err := read(t, source)
	if err != nil {
		t.Fatal(err)
	}
	want := trigger.Sample{Active: new(bool), Parts: []trigger.Part{{Metric: "orders.open", Value: 3.25}, {Metric: "returns", Value: 41}}}
	if diff := cmp.Diff(want, sample, cmpopts.IgnoreFields(trigger.Sample{}, "At")); diff != "" {
		t.Errorf("sample (-want +got):\n%s", diff)
	}
	ref := &externalscaler.ScaledObjectRef{
		Name: "orders", Namespace: "shop",
		ScalerMetadata: map[string]string{"scalerAddress": in.Metadata["scalerAddress"], "region": "north", "tokenFromEnv": "hunter2"},
	}
	if diff := cmp.Diff(ref, s.lastRef(), protocmp.Transform()); diff != "" {
		t.Errorf("the service was told (-want +got):\n%s", diff)
	}
}

func TestExternal_follows_targets_that_change(t *testing.T) {
	target := 5.0
	s := queue(5)
	s.specs = func(context.Context) (*externalscaler.GetMetricSpecResponse, error) {
		return specs(&externalscaler.MetricSpec{MetricName: "queue", TargetSizeFloat: target}), nil
	}
	source := pull(t, input(serve(t, s).address))
	for _, want := range []float64{5, 8} {
		target = want
		metrics, err := metricsOf(t, source)
		if err != nil || metrics[0].Target != want {
			t.Errorf("%v, %v, want target %v", metrics, err, want)
		}
	}
}

func TestExternal_refuses_metrics_that_make_no_sense(t *testing.T) {
	for _, tc := range []struct {
		why, says string
		specs     []*externalscaler.MetricSpec
	}{
		{"none", "0 metrics", nil},
		{"too many", "101 metrics", make([]*externalscaler.MetricSpec, 101)},
		{"no name", "no name", []*externalscaler.MetricSpec{{TargetSize: 5}}},
		{"two of one name", "same name", []*externalscaler.MetricSpec{{MetricName: "a", TargetSize: 5}, {MetricName: "a", TargetSize: 5}}},
		{"no target", "targetSizeFloat", []*externalscaler.MetricSpec{{MetricName: "a"}}},
		{"a negative target", "-3", []*externalscaler.MetricSpec{{MetricName: "a", TargetSize: -3}}},
		{"a target that is no number", "targetSizeFloat", []*externalscaler.MetricSpec{{MetricName: "a", TargetSizeFloat: math.NaN()}}},
		{"an infinite target", "Inf", []*externalscaler.MetricSpec{{MetricName: "a", TargetSizeFloat: math.Inf(1)}}},
	} {
		t.Run(tc.why, func(t *testing.T) {
			for i := range tc.specs {
				if tc.specs[i] == nil {
					tc.specs[i] = &externalscaler.MetricSpec{}
				}
			}
			s := queue(5)
			s.specs = func(context.Context) (*externalscaler.GetMetricSpecResponse, error) { return specs(tc.specs...), nil }
			address := serve(t, s).address
			_, err := read(t, pull(t, input(address)))
			if err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), address) {
				t.Errorf("%v, want it to say %q and the address", err, tc.says)
			}
		})
	}
}

func TestExternal_needs_no_target_where_a_formula_takes_the_values(t *testing.T) {
	in := input(serve(t, queue(0)).address)
	in.Composed = true
	if sample, err := read(t, pull(t, in)); err != nil || sample.Parts[0].Value != 7 {
		t.Errorf("%+v, %v, want 7", sample, err)
	}
}

func TestExternal_gives_errors_without_secrets(t *testing.T) {
	const secret = "hunter2"
	for _, tc := range []struct {
		why, says string
		change    func(*service)
	}{
		{"no metrics", "unavailable for the day", func(s *service) {
			s.specs = func(context.Context) (*externalscaler.GetMetricSpecResponse, error) {
				return nil, status.Error(codes.ResourceExhausted, "unavailable for the day for "+secret)
			}
		}},
		{"no value", "no value", func(s *service) {
			s.values = func(context.Context, string) (*externalscaler.GetMetricsResponse, error) { return values(), nil }
		}},
		{"values refused", "PermissionDenied", func(s *service) {
			s.values = func(context.Context, string) (*externalscaler.GetMetricsResponse, error) {
				return nil, status.Error(codes.PermissionDenied, "not with password "+secret)
			}
		}},
		{"activity unknown", "whether there is work", func(s *service) { s.active = nil }},
		{"panics", "Internal", func(s *service) { s.active = func(context.Context) (bool, error) { panic(secret) } }},
		{"a metric named by a secret", "no value", func(s *service) {
			s.specs = func(context.Context) (*externalscaler.GetMetricSpecResponse, error) {
				return specs(&externalscaler.MetricSpec{MetricName: secret, TargetSize: 1}), nil
			}
			s.values = func(context.Context, string) (*externalscaler.GetMetricsResponse, error) { return values(), nil }
		}},
		{"floods", "ResourceExhausted", func(s *service) {
			s.values = func(context.Context, string) (*externalscaler.GetMetricsResponse, error) {
				return values(&externalscaler.MetricValue{MetricName: strings.Repeat("x", 2<<20)}), nil
			}
		}},
		{"talks long", "…", func(s *service) {
			s.values = func(context.Context, string) (*externalscaler.GetMetricsResponse, error) {
				return nil, status.Error(codes.Internal, strings.Repeat("ä", 4000))
			}
		}},
	} {
		t.Run(tc.why, func(t *testing.T) {
			s := queue(5)
			tc.change(s)
			in := input(serve(t, s).address)
			in.Metadata["passwordFromEnv"], in.Env["PASSWORD"] = "PASSWORD", secret
			_, err := read(t, pull(t, in))
			if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), secret) || len(err.Error()) > 600 {
				t.Errorf("%v, want it to say %q in few words and not the secret", err, tc.says)
			}
		})
	}
}

func TestExternal_ends_with_its_context_when_the_service_is_slow(t *testing.T) {
	s := queue(5)
	s.active = func(ctx context.Context) (bool, error) { <-ctx.Done(); return false, ctx.Err() }
	source := pull(t, input(serve(t, s).address))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := source.Read(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 2*time.Second {
		t.Errorf("%v after %s, want the deadline", err, time.Since(begin))
	}
}

func TestExternal_ends_a_read_when_it_is_closed_and_leaves_the_shared_connection_alone(t *testing.T) {
	kinds := Kinds()
	reached := make(chan struct{}, 2)
	s := queue(5)
	s.values = func(ctx context.Context, _ string) (*externalscaler.GetMetricsResponse, error) {
		select {
		case reached <- struct{}{}:
			<-ctx.Done()
			return nil, ctx.Err()
		default:
		}
		return values(&externalscaler.MetricValue{MetricValue: 7}), nil
	}
	server := serve(t, s)
	hung, other := opens(t, kinds[0], input(server.address)), opens(t, kinds[1], input(server.address))
	reached <- struct{}{} // one place is left: the first question hangs
	ended := make(chan error)
	go func() {
		_, err := hung.Read(t.Context())
		ended <- err
	}()
	for len(reached) < 2 { // until the question has come in
		time.Sleep(time.Millisecond)
	}
	if err := hung.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("a read of a closed source gave a sample")
	}
	if _, err := hung.Read(t.Context()); err == nil {
		t.Error("a closed source was read")
	}
	if sample, err := read(t, other); err != nil || sample.Parts[0].Value != 7 {
		t.Errorf("the other user of the connection: %+v, %v, want 7", sample, err)
	}
	if n := server.accepted(); n != 1 {
		t.Errorf("%d connections, want one for both", n)
	}
}

func TestExternal_speaks_tls_as_asked(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	cert, key := ours.pair(t, x509.ExtKeyUsageClientAuth)
	strange, strangeKey := theirs.pair(t, x509.ExtKeyUsageClientAuth)
	plain := serve(t, queue(5)).address
	one := serve(t, queue(5), ours.secure(t, false)).address
	mutual := serve(t, queue(5), ours.secure(t, true)).address
	for _, tc := range []struct {
		why, address   string
		metadata, auth map[string]string
		fails          bool
	}{
		{"plain", plain, nil, nil, false},
		{"the authority is given", one, nil, map[string]string{"caCert": ours.pem}, false},
		{"another authority is given", one, nil, map[string]string{"caCert": theirs.pem}, true},
		{"the system does not know the authority", one, map[string]string{"enableTLS": "true"}, nil, true},
		{"nobody asks for it", one, map[string]string{"enableTLS": "true", "unsafeSsl": "true"}, nil, false},
		{"unsafe alone is not TLS", one, map[string]string{"unsafeSsl": "true"}, nil, true},
		{"TLS with a plain server", plain, map[string]string{"enableTLS": "true"}, nil, true},
		{"both show theirs", mutual, nil, map[string]string{"caCert": ours.pem, "tlsClientCert": cert, "tlsClientKey": key}, false},
		{"a stranger's is shown", mutual, nil, map[string]string{"caCert": ours.pem, "tlsClientCert": strange, "tlsClientKey": strangeKey}, true},
		{"none is shown", mutual, nil, map[string]string{"caCert": ours.pem}, true},
		{"a certificate without its key is not shown", one, nil, map[string]string{"caCert": ours.pem, "tlsClientCert": cert}, false},
	} {
		t.Run(tc.why, func(t *testing.T) {
			in := input(tc.address)
			maps.Copy(in.Metadata, tc.metadata)
			in.Auth = tc.auth
			_, err := read(t, pull(t, in))
			if (err != nil) != tc.fails {
				t.Errorf("%v, want an error: %v", err, tc.fails)
			}
			if err != nil && strings.Contains(err.Error(), "PRIVATE") {
				t.Errorf("%v has the key in it", err)
			}
		})
	}
}

func TestExternal_refuses_certificates_that_are_none(t *testing.T) {
	ours := newAuthority(t)
	cert, _ := ours.pair(t, x509.ExtKeyUsageClientAuth)
	_, key := ours.pair(t, x509.ExtKeyUsageClientAuth)
	for _, tc := range []struct {
		why, says string
		auth      map[string]string
	}{
		{"the authority is none", "caCert", map[string]string{"caCert": "-----BEGIN CERTIFICATE-----"}},
		{"the key is another's", "tlsClientKey", map[string]string{"tlsClientCert": cert, "tlsClientKey": key}},
		{"the key is none", "tlsClientKey", map[string]string{"tlsClientCert": cert, "tlsClientKey": "hunter2"}},
	} {
		in := input("scaler:8080")
		in.Auth = tc.auth
		_, err := Kinds()[0].Decode(in)
		if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want it to name %s and no secret", tc.why, err, tc.says)
		}
	}
}

func TestExternal_asks_for_an_object(t *testing.T) {
	in := input("scaler:8080")
	in.Object = ""
	c, err := Kinds()[0].Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), env()); err == nil {
		t.Error("opened a source without an object")
	}
}

func TestExternal_keeps_objects_apart(t *testing.T) {
	keys := make(map[string]bool)
	for _, change := range []func(*trigger.Input){
		func(*trigger.Input) {},
		func(in *trigger.Input) { in.Object = "returns" },
		func(in *trigger.Input) { in.Namespace = "other" },
		func(in *trigger.Input) { in.Metadata["queue"] = "a" },
		func(in *trigger.Input) { in.Auth["tlsClientKey"] = "rotated" },
	} {
		in := input("scaler:8080")
		change(&in)
		c, err := Kinds()[0].Decode(in)
		if err != nil {
			t.Fatal(err)
		}
		keys[c.Key] = true
	}
	if len(keys) != 5 {
		t.Errorf("%d keys, want one for each of 5: the service is told of the object", len(keys))
	}
}

func TestExternal_leaves_a_service_alone_that_asks_for_it(t *testing.T) {
	for _, c := range []struct {
		why     string
		details []protoadapt.MessageV1
		want    time.Duration
	}{
		{"it says for how long", []protoadapt.MessageV1{
			&errdetails.ErrorInfo{Reason: "QUOTA"}, &errdetails.RetryInfo{RetryDelay: durationpb.New(90 * time.Second)},
		}, 90 * time.Second},
		{"it says nothing", nil, 0},
		{"it says something else", []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: "QUOTA"}}, 0},
		{"a time that has passed", []protoadapt.MessageV1{&errdetails.RetryInfo{RetryDelay: durationpb.New(-time.Second)}}, 0},
	} {
		st, err := status.New(codes.ResourceExhausted, "too many questions").WithDetails(c.details...)
		if err != nil {
			t.Fatal(err)
		}
		s := queue(5)
		s.active = func(context.Context) (bool, error) { return false, st.Err() }
		_, err = read(t, pull(t, input(serve(t, s).address)))
		if err == nil || !strings.Contains(err.Error(), "too many questions") {
			t.Errorf("%s: error %v", c.why, err)
		}
		if after, _ := trigger.RetryAfter(err); after != c.want {
			t.Errorf("%s: it is left alone for %s, want %s", c.why, after, c.want)
		}
	}
}
