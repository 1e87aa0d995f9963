package plane

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/furl-dev/furl/lab/plane/setting"
	"github.com/furl-dev/furl/lab/route/loopback"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/server/egressselector"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// egressFile makes the API server ask an egress selector for every way out: to webhooks, aggregated APIs and kubelets.
// What the selector says is replaced by guardEgress.
const egressFile = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- {name: cluster, connection: {proxyProtocol: Direct}}
- {name: controlplane, connection: {proxyProtocol: Direct}}
`

// writeEgress writes egressFile and returns where.
func writeEgress(c setting.Config) (string, error) {
	path := filepath.Join(c.Dir, "egress.yaml")
	if err := os.WriteFile(path, []byte(egressFile), 0o600); err != nil {
		return "", fmt.Errorf("write the egress selection: %w", err)
	}
	return path, nil
}

// guardEgress leads every way out of the API server through the lab's dial guard, so that no webhook and no aggregated
// API that somebody applies can reach beyond this machine. All who dial hold the same selector and the same transport;
// they are changed in place before the first of them does.
func guardEgress(c *apiserver.Config) {
	*c.KubeAPIs.ControlPlane.Generic.EgressSelector = *egressselector.NewEgressSelectorWithMap(map[egressselector.EgressType]utilnet.DialFunc{
		egressselector.Cluster:      loopback.Dial,
		egressselector.ControlPlane: loopback.Dial,
	})
	c.KubeAPIs.ControlPlane.ProxyTransport.DialContext = loopback.Dial
}
