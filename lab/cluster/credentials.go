package cluster

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"time"

	"github.com/furl-dev/furl/lab/pki"
	"github.com/furl-dev/furl/lab/plane/setting"
	"github.com/furl-dev/furl/lab/route/loopback"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// contextName is the context of every kubeconfig that the lab writes.
const contextName = "furl-lab"

func localhost() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// writeKeys issues every certificate that the plane needs, anew at every start, and the kubeconfigs of its components.
func writeKeys(files layout, keys *pki.Set, a addresses, server string, at time.Time) error {
	kubernetes := a.services().Addr().Next() // the Service default/kubernetes has the first address of the range
	for _, one := range []struct {
		file string
		by   *pki.Authority
		leaf pki.Leaf
	}{
		{setting.APIServer, keys.Cluster, pki.Leaf{
			Name: "kube-apiserver",
			DNS:  []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
			IPs:  []netip.Addr{localhost(), kubernetes},
		}},
		{setting.KubeletClient, keys.KubeletClient, pki.Leaf{Name: "kube-apiserver-kubelet-client"}},
		{setting.FrontProxyClient, keys.FrontProxy, pki.Leaf{Name: setting.FrontProxyName}},
		{setting.EtcdPeer, keys.Etcd, pki.Leaf{Name: "etcd", DNS: []string{"localhost"}, IPs: []netip.Addr{localhost()}}},
	} {
		pair, err := one.by.Issue(one.leaf, at)
		if err != nil {
			return err
		}
		if err := pair.Write(filepath.Join(files.keys(), one.file)); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		path string
		leaf pki.Leaf
	}{
		{files.kubeconfig(), pki.Leaf{Name: "furl-lab-admin", Groups: []string{"system:masters"}}},
		{filepath.Join(files.keys(), setting.AdminConfig), pki.Leaf{Name: "furl-lab", Groups: []string{"system:masters"}}},
		{filepath.Join(files.keys(), setting.ControllersConfig), pki.Leaf{Name: "system:kube-controller-manager"}},
		{filepath.Join(files.keys(), setting.SchedulerConfig), pki.Leaf{Name: "system:kube-scheduler"}},
	} {
		pair, err := keys.Cluster.Issue(one.leaf, at)
		if err != nil {
			return err
		}
		user := &clientcmdapi.AuthInfo{ClientCertificateData: pair.Cert, ClientKeyData: pair.Key}
		if err := writeKubeconfig(one.path, server, keys.Cluster.PEM, user); err != nil {
			return err
		}
	}
	return nil
}

func writeKubeconfig(path, server string, ca []byte, user *clientcmdapi.AuthInfo) error {
	cfg := clientcmdapi.NewConfig()
	cfg.Clusters[contextName] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	cfg.AuthInfos[contextName] = user
	cfg.Contexts[contextName] = &clientcmdapi.Context{Cluster: contextName, AuthInfo: contextName}
	cfg.CurrentContext = contextName
	raw, err := clientcmd.Write(*cfg)
	if err != nil {
		return fmt.Errorf("encode a kubeconfig: %w", err)
	}
	return replaceFile(path, raw)
}

// clientConfig reads a kubeconfig of the lab for the lab's own use: it dials loopback only and without a rate limit,
// because the API server has one.
func clientConfig(path string) (*rest.Config, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, fmt.Errorf("read a kubeconfig of the lab: %w", err)
	}
	cfg.Dial = loopback.Dial
	cfg.QPS = -1
	cfg.UserAgent = "furl-lab"
	return cfg, nil
}

func serverURL(port int) string {
	return "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
