package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/pki"
	"github.com/furl-dev/furl/lab/plane/setting"
	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	// operatorAccount is the ServiceAccount of the install manifests. The operator has its rights and no others, so that
	// a permission that the manifests forget is missing here too.
	operatorAccount = "furl"
	operatorChild   = "operator"
	operatorGrace   = 10 * time.Second
	operatorReady   = time.Minute
	operatorPoll    = 200 * time.Millisecond
	// tokenSeconds outlives every lab that is left running; each start asks for a new one.
	tokenSeconds = 365 * 24 * 60 * 60
)

// startOperator applies the install manifests and runs furl operator as an ordinary process with the rights they give.
func (l *lab) startOperator(ctx context.Context, g *errgroup.Group) error {
	if !l.o.Operator {
		return nil
	}
	l.progress("installing Furl")
	installed, err := l.install(ctx)
	if err != nil {
		return err
	}
	if err := l.operatorKubeconfig(ctx, installed.namespace); err != nil {
		return err
	}
	if err := l.operatorCertificate(installed.services); err != nil {
		return err
	}
	l.progress("starting furl operator")
	run := child{
		name: operatorChild, path: l.o.OperatorPath, args: l.operatorArgs(installed.namespace),
		env: append(withoutAWS(plainEnvironment(os.Environ())), l.state.Ports.AWSEnvironment()...), log: l.files.log(operatorChild), grace: operatorGrace,
	}
	g.Go(func() error { return run.keep(ctx, l.noteChild(operatorChild), l.log) })
	return installed.wait(ctx, l.files.log(operatorChild))
}

func (l *lab) operatorArgs(namespace string) []string {
	hpa := "on"
	if l.o.HPAController {
		hpa = "off" // upstream's has them
	}
	return append([]string{
		"operator",
		"--kubeconfig=" + filepath.Join(l.files.operator(), "kubeconfig"),
		"--namespace=" + namespace,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(l.state.Ports.Operator),
		"--tls-cert-file=" + filepath.Join(l.files.operator(), "tls.crt"),
		"--tls-private-key-file=" + filepath.Join(l.files.operator(), "tls.key"),
		"--webhook-bind-address=" + net.JoinHostPort("127.0.0.1", strconv.Itoa(l.state.Ports.Webhooks)),
		"--metrics-bind-address=" + net.JoinHostPort("127.0.0.1", strconv.Itoa(l.state.Ports.Metrics)),
		"--hpa-controller=" + hpa,
		"--kubelet-certificate-authority=" + filepath.Join(l.files.keys(), setting.ClusterCA+".crt"),
		"--kubelet-use-node-status-port", // every node of the lab has a port of its own
	}, l.o.OperatorArgs...)
}

// operatorKubeconfig asks for a token of the ServiceAccount, as a pod would get one.
func (l *lab) operatorKubeconfig(ctx context.Context, namespace string) error {
	seconds := int64(tokenSeconds)
	r, err := l.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, operatorAccount,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("ask for a token of ServiceAccount %s/%s: %w", namespace, operatorAccount, err)
	}
	return writeKubeconfig(filepath.Join(l.files.operator(), "kubeconfig"), serverURL(l.state.Ports.API), l.keys.Cluster.PEM,
		&clientcmdapi.AuthInfo{Token: r.Status.Token})
}

// operatorCertificate names the Services by which the aggregator calls the operator: it checks them.
func (l *lab) operatorCertificate(services []serviceName) error {
	names := make([]string, 0, 1+len(services))
	names = append(names, "localhost")
	for _, s := range services {
		names = append(names, s.name+"."+s.namespace+".svc")
	}
	pair, err := l.keys.Cluster.Issue(pki.Leaf{Name: "furl-operator", DNS: names, IPs: []netip.Addr{localhost()}}, time.Now())
	if err != nil {
		return err
	}
	return pair.Write(filepath.Join(l.files.operator(), "tls"))
}

// plainEnvironment drops what would send a child to another cluster or through a proxy.
func plainEnvironment(all []string) []string {
	var kept []string
	for _, one := range all {
		name, _, _ := strings.Cut(one, "=")
		switch strings.ToUpper(name) {
		case "KUBECONFIG", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY":
		default:
			kept = append(kept, one)
		}
	}
	return kept
}

// wait waits until the aggregator reaches every API that the operator serves.
func (i *installation) wait(ctx context.Context, log string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, operatorReady, fmt.Errorf("not within %v", operatorReady))
	defer cancel()
	tick := time.NewTicker(operatorPoll)
	defer tick.Stop()
	for _, name := range i.apis {
		for {
			reason, err := i.cluster.Unavailable(ctx, name)
			if reason == "" && err == nil {
				break
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("wait for APIService %s (%s): %w; the operator's last words in %s:\n%s",
					name, reason, errors.Join(context.Cause(ctx), err), log, tail(log))
			}
		}
	}
	return nil
}
