// Package e2e runs what users run, against a lab of its own.
package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// prints waits until kubectl's output matches.
func prints(t *testing.T, lab *labtest.Lab, want string, args ...string) {
	t.Helper()
	labtest.Eventually(t, 2*time.Minute, "kubectl "+strings.Join(args, " "), func(ctx context.Context) error {
		out, err := lab.TryKubectl(ctx, args...)
		if err != nil {
			return err
		}
		if !regexp.MustCompile(want).MatchString(out) {
			return fmt.Errorf("printed\n%s\nwithout a match of %s", out, want)
		}
		return nil
	})
}

// Furl takes metrics-server's place: kubectl top and an unmodified upstream HPA
// controller read what it scrapes.
func TestMetrics_serve_kubectl_top_and_the_upstream_controller(t *testing.T) {
	root, err := labtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	lab := labtest.Start(t, labtest.Options{
		Nodes: 1, Operator: true, HPAController: true, Args: []string{"--operator-arg=--metric-resolution=4s"},
	})
	files := filepath.Join(root, "examples", "pod-autoscaling", "hpa")
	lab.Kubectl("apply", "-f", filepath.Join(files, "php-apache.yaml"), "-f", filepath.Join(files, "hpa.yaml"))

	const quantities = `\s+\d+m\s+\d+(\.\d+)?%\s+\d+Mi\s+\d+(\.\d+)?%`
	prints(t, lab, `(?m)^NAME\s+CPU\(cores\)\s+CPU\(%\)\s+MEMORY\(bytes\)\s+MEMORY\(%\)\s*\n\S+`+quantities, "top", "nodes")
	prints(t, lab, `(?m)^php-apache-\S+\s+\d+m\s+\d+Mi\s*$`, "top", "pods")
	prints(t, lab, `(?m)^php-apache-\S+\s+php-apache\s+\d+m\s+\d+Mi\s*$`, "top", "pods", "--containers", "-l", "run=php-apache")
	prints(t, lab, `(?m)^NAME\s+CPU\s+MEMORY\s+(SWAP\s+)?WINDOW\s*\nphp-apache-\S+\s+\d+[num]?\s+\d+Ki`, "get", "podmetrics")

	labtest.Eventually(t, 2*time.Minute, "the upstream controller to read a utilization", func(ctx context.Context) error {
		return usesFurl(ctx, lab)
	})
	lab.Kubectl("run", "load-generator", "--image=busybox:1.28", "--restart=Never", "--",
		"/bin/sh", "-c", "while sleep 0.01; do wget -q -O- http://php-apache; done")
	labtest.Eventually(t, 3*time.Minute, "the upstream controller to scale up on Furl's metrics", func(ctx context.Context) error {
		d, err := lab.Client.AppsV1().Deployments(corev1.NamespaceDefault).Get(ctx, "php-apache", metav1.GetOptions{})
		if err == nil && *d.Spec.Replicas < 2 {
			err = fmt.Errorf("%d replicas", *d.Spec.Replicas)
		}
		return err
	})
}

// usesFurl reports whether kube-controller-manager, under its own name, wrote a
// current utilization into the HPA's status.
func usesFurl(ctx context.Context, lab *labtest.Lab) error {
	h, err := lab.Client.AutoscalingV2().HorizontalPodAutoscalers(corev1.NamespaceDefault).Get(ctx, "php-apache", metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, f := range h.ManagedFields {
		if f.Subresource == "status" && f.Manager != "kube-controller-manager" {
			return fmt.Errorf("the status is written by %s", f.Manager)
		}
	}
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive && c.Status != corev1.ConditionTrue {
			return fmt.Errorf("%s: %s", c.Reason, c.Message)
		}
	}
	m := h.Status.CurrentMetrics
	if len(m) != 1 || m[0].Resource == nil || m[0].Resource.Current.AverageUtilization == nil {
		return fmt.Errorf("no current utilization: %v", m)
	}
	return nil
}
