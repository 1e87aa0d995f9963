package agent

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/images"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
)

// bed is a running node whose API server is client-go's object store.
type bed struct {
	*testing.T
	client *fake.Clientset
	host   string // of the kubelet's interface
	rest   *rest.Config
	root   string
	ports  *Ports
	stop   func()
}

// newBed starts a node. Its busybox image is the host's /bin/sh, so that the tests need no other program.
func newBed(t *testing.T, objects ...runtime.Object) *bed {
	t.Helper()
	programs := t.TempDir()
	for _, name := range []string{"furl-shell", "hpa-example"} {
		if err := os.Symlink("/bin/sh", filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := images.New(programs, "server="+testServer(t))
	if err != nil {
		t.Fatal(err)
	}
	authority := newAuthority(t)
	b := &bed{T: t, client: fake.NewClientset(objects...), root: t.TempDir(), ports: &Ports{}}
	var out io.Writer = &bytes.Buffer{}
	if testing.Verbose() {
		out = t.Output()
	}
	c := Config{
		Client: b.client, NodeName: "n1", ListenHost: "127.0.0.1", Root: b.root, Images: m, Ports: b.ports,
		Serving: authority.issue(t, "n1", net.IPv4(127, 0, 0, 1)), ClientCAs: authority.pool,
		PodCIDR: netip.MustParsePrefix("127.64.9.0/24"), Log: slog.New(slog.NewTextHandler(out, nil)),
		Capacity: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4Gi")},
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c) }()
	stopped := false
	b.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the node ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the node did not end in 20s")
		}
	}
	t.Cleanup(b.stop)
	b.eventually("the node to be ready", func() bool {
		n, err := b.client.CoreV1().Nodes().Get(t.Context(), "n1", metav1.GetOptions{})
		if err != nil || n.Status.DaemonEndpoints.KubeletEndpoint.Port == 0 {
			return false
		}
		b.host = net.JoinHostPort("127.0.0.1", fmt.Sprint(n.Status.DaemonEndpoints.KubeletEndpoint.Port))
		return true
	})
	client := authority.issue(t, "kube-apiserver-kubelet-client", nil)
	b.rest = &rest.Config{Host: "https://" + b.host, TLSClientConfig: rest.TLSClientConfig{
		CAData: authority.pem, CertData: chain(client), KeyData: key(t, client),
	}}
	return b
}

func (b *bed) eventually(what string, fact func() bool) {
	b.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(30 * time.Second)
	for !fact() {
		if time.Now().After(deadline) {
			for _, p := range b.pods() {
				b.Logf("pod %s: %+v", p.Name, p.Status)
			}
			b.Fatalf("waited 30s for %s", what)
		}
		<-tick.C
	}
}

func (b *bed) pods() []corev1.Pod {
	list, err := b.client.CoreV1().Pods("").List(b.Context(), metav1.ListOptions{})
	if err != nil {
		return nil
	}
	return list.Items
}

// run creates a pod as the scheduler leaves it: with the API server's defaults and a node.
func (b *bed) run(name string, spec corev1.PodSpec) {
	b.Helper()
	pod := newPod(name, spec)
	if _, err := b.client.CoreV1().Pods("default").Create(b.Context(), pod, metav1.CreateOptions{}); err != nil {
		b.Fatal(err)
	}
}

func newPod(name string, spec corev1.PodSpec) *corev1.Pod {
	if spec.RestartPolicy == "" {
		spec.RestartPolicy = corev1.RestartPolicyAlways
	}
	if spec.TerminationGracePeriodSeconds == nil {
		spec.TerminationGracePeriodSeconds = new(int64)
		*spec.TerminationGracePeriodSeconds = 5
	}
	spec.NodeName = "n1"
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			c := &list[i]
			if c.Image == "" {
				c.Image = "busybox:1.28"
			}
			for _, p := range []*corev1.Probe{c.ReadinessProbe, c.LivenessProbe, c.StartupProbe} {
				defaultProbe(p)
			}
		}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(name + "-uid"), Labels: map[string]string{"run": name}},
		Spec:       spec,
	}
}

func defaultProbe(p *corev1.Probe) {
	if p == nil {
		return
	}
	p.PeriodSeconds, p.TimeoutSeconds = max(p.PeriodSeconds, 1), max(p.TimeoutSeconds, 1)
	p.SuccessThreshold, p.FailureThreshold = max(p.SuccessThreshold, 1), max(p.FailureThreshold, 1)
}

func (b *bed) pod(name string) *corev1.Pod {
	b.Helper()
	p, err := b.client.CoreV1().Pods("default").Get(b.Context(), name, metav1.GetOptions{})
	if err != nil {
		return &corev1.Pod{}
	}
	return p
}

// main is the status of the pod's first main container.
func (b *bed) main(name string) corev1.ContainerStatus {
	b.Helper()
	if s := b.pod(name).Status.ContainerStatuses; len(s) > 0 {
		return s[0]
	}
	return corev1.ContainerStatus{}
}

func (b *bed) ready(name string) bool {
	for _, c := range b.pod(name).Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// remove asks for deletion as the API server does: it marks the pod and leaves the rest to the node.
func (b *bed) remove(name string) {
	b.Helper()
	p := b.pod(name)
	now := metav1.Now()
	p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &now, p.Spec.TerminationGracePeriodSeconds
	p.Finalizers = []string{"test/keep"} // the store refuses a deleted object without one
	if _, err := b.client.CoreV1().Pods("default").Update(b.Context(), p, metav1.UpdateOptions{}); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) gone(name string) bool {
	_, err := b.client.CoreV1().Pods("default").Get(b.Context(), name, metav1.GetOptions{})
	return err != nil
}

// get asks the kubelet's interface as the API server does.
func (b *bed) get(path string) (status int, body string) {
	b.Helper()
	transport, err := rest.TransportFor(b.rest)
	if err != nil {
		b.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, b.rest.Host+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func (b *bed) logs(pod, query string) string {
	b.Helper()
	_, text := b.get("/containerLogs/default/" + pod + "/c?" + query)
	return text
}

// sh is a pod's only container with a script.
func sh(script string) []corev1.Container {
	return []corev1.Container{{Name: "c", Command: []string{"/bin/sh", "-c", script}}}
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pool        *x509.CertPool
	pem         []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return authority{c, k, pool, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func (a authority) issue(t *testing.T, name string, ip net.IP) tls.Certificate {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip != nil {
		template.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
}

func chain(c tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
}

func key(t *testing.T, c tls.Certificate) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// left is what lies in a folder of the node.
func (b *bed) left(folder string) []os.DirEntry {
	b.Helper()
	files, err := os.ReadDir(filepath.Join(b.root, folder))
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	return files
}
