package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestAdmission_answers_in_the_moment_of_apply asks by kubectl, as users do,
// with the operator as it is installed: refusals with their reason, warnings,
// one owner a workload; and nothing stands in the way once nobody answers.
func TestAdmission_answers_in_the_moment_of_apply(t *testing.T) {
	t.Parallel() // mostly waits
	l := labtest.Start(t, labtest.Options{SimNodes: 1, Operator: true, Args: []string{
		"--operator-arg=--tls-cert-file=", "--operator-arg=--tls-private-key-file=", // as it is installed: Furl makes them
	}})
	l.Apply(admissionWorkload)
	awaitAdmission(t, l)
	checkTrust(t, l)

	refused(t, l, scaledObjectOf("bad", "worker", `{queueURL: "https://sqs.eu-west-1.amazonaws.com/1/q", awsRegion: eu-west-1, queueLength: ten}`),
		`admission webhook "scaledobjects.furl.dev" denied the request: trigger 0 (aws-sqs-queue): queueLength "ten": want a whole number`)

	// What works otherwise than it reads is stored, and said.
	out, err := apply(t.Context(), t, l, scaledObjectOf("good", "worker", `{queueURL: "https://sqs.eu-west-1.amazonaws.com/1/q", awsRegion: eu-west-1, queueLenght: "7"}
    authenticationRef: {name: nobody}`))
	for _, want := range []string{
		"scaledobject.keda.sh/good created",
		"Warning: trigger 0 (aws-sqs-queue): queueLenght is no setting and is not read: did you mean queueLength?",
		`Warning: trigger 0 (aws-sqs-queue): TriggerAuthentication "nobody" does not exist in namespace default`,
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("kubectl apply: %v: it does not say %q:\n%s", err, want, out)
		}
	}

	// One owner a workload, whichever came first.
	owned := "the workload 'worker' of type 'apps/v1.Deployment' is already managed by the ScaledObject 'good'"
	labtest.Eventually(t, 30*time.Second, "an HPA beside a ScaledObject to be refused", func(ctx context.Context) error {
		out, err := apply(ctx, t, l, hpaOf("second", "worker"))
		if err == nil || !strings.Contains(out, owned) {
			if _, err := l.TryKubectl(ctx, "delete", "hpa", "second", "--ignore-not-found"); err != nil {
				return err
			}
			return fmt.Errorf("kubectl apply: %v: %s", err, out) //nolint:errorlint // there may be no error: that is what is wrong
		}
		return nil
	})
	refused(t, l, scaledObjectOf("third", "worker", `{queueURL: "https://sqs.eu-west-1.amazonaws.com/1/q", awsRegion: eu-west-1}`), owned)
	if out, err := apply(t.Context(), t, l, hpaOf("alone", "other")); err != nil {
		t.Errorf("an HPA of a workload that nobody scales: %v: %s", err, out)
	}
	refused(t, l, `{apiVersion: keda.sh/v1alpha1, kind: TriggerAuthentication, metadata: {name: aws}, spec: {podIdentity: {provider: aws, externalID: x}}}`,
		"externalID needs roleArn")

	// Without its Secret Furl makes another, and goes on with it.
	l.Kubectl("delete", "secret", "-n", "furl-system", "furl-certificates")
	labtest.Eventually(t, 45*time.Second, "another certificate", func(ctx context.Context) error {
		_, err := l.TryKubectl(ctx, "get", "secret", "-n", "furl-system", "furl-certificates")
		return err
	})
	awaitAdmission(t, l)
	l.Kubectl("top", "nodes")

	// Nobody answers any more: the API server goes on without.
	hooks := l.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	c, err := hooks.Get(t.Context(), "furl", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	nowhere := "https://127.0.0.1:1/"
	for i := range c.Webhooks {
		c.Webhooks[i].ClientConfig.URL = &nowhere
	}
	if _, err := hooks.Update(t.Context(), c, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	labtest.Eventually(t, 30*time.Second, "objects to be stored without a webhook", func(ctx context.Context) error {
		out, err := apply(ctx, t, l, scaledObjectOf("bad", "other", `{queueURL: "https://sqs.eu-west-1.amazonaws.com/1/q", awsRegion: eu-west-1, queueLength: ten}`))
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	awaitColumn(t, l, "scaledobject", "bad", "False") // the operator says the same later
	checkPermissions(t, l)
}

// awaitAdmission waits until the operator answers for webhooks: until then
// failurePolicy Ignore lets everything in.
func awaitAdmission(t *testing.T, l *labtest.Lab) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "the webhooks to answer", func(ctx context.Context) error {
		out, err := apply(ctx, t, l, scaledObjectOf("probe", "worker", "{queueLength: ten}"), "--dry-run=server")
		if err == nil {
			return fmt.Errorf("it was let in: %s", out)
		}
		return ctx.Err() // an attempt that was cut short is no refusal
	})
}

// checkTrust looks who wrote whom API servers trust: all that lead to Furl, by a field manager of its own.
func checkTrust(t *testing.T, l *labtest.Lab) {
	t.Helper()
	for _, object := range []string{
		"apiservice/v1beta1.metrics.k8s.io", "apiservice/v1alpha1.decisions.furl.dev", "validatingwebhookconfiguration/furl",
	} {
		managers := l.Kubectl("get", object, "--show-managed-fields", "-o", `jsonpath={.metadata.managedFields[?(@.operation=="Apply")].manager}`)
		if !strings.Contains(managers, "furl-certificates") {
			t.Errorf("%s has the managers %q, not furl-certificates", object, managers)
		}
	}
	l.Kubectl("get", "secret", "-n", "furl-system", "furl-certificates")
}

// apply runs kubectl apply and returns all that it says.
func apply(ctx context.Context, t *testing.T, l *labtest.Lab, manifest string, args ...string) (string, error) {
	t.Helper()
	return l.Say(ctx, manifest, append([]string{"apply", "-f", "-"}, args...)...)
}

func refused(t *testing.T, l *labtest.Lab, manifest, why string) {
	t.Helper()
	if out, err := apply(t.Context(), t, l, manifest); err == nil || !strings.Contains(out, why) {
		t.Errorf("kubectl apply: %v: want a refusal with %q:\n%s", err, why, out)
	}
}

func scaledObjectOf(name, target, metadata string) string {
	return fmt.Sprintf(`
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: %s}
spec:
  scaleTargetRef: {name: %s}
  triggers:
  - type: aws-sqs-queue
    metadata: %s
`, name, target, metadata)
}

func hpaOf(name, target string) string {
	return fmt.Sprintf(`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: %s},
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %s}}}`, name, target)
}

const admissionWorkload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  replicas: 0
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: app, image: registry.k8s.io/hpa-example}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  replicas: 0
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {containers: [{name: app, image: registry.k8s.io/hpa-example}]}
`
