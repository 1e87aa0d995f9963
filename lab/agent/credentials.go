package agent

import (
	"fmt"
	"path"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// tokenFolder is where every cluster puts a pod's token; programs look there by a fixed name, which a plain process
// cannot be given.
const tokenFolder = "/var/run/secrets/kubernetes.io/serviceaccount" //nolint:gosec // a folder, no credential

// credentials writes a kubeconfig for a container that has a token of its service account, and names it in KUBECONFIG,
// because what a client finds by itself in a cluster needs a fixed path.
func (w *worker) credentials(c *corev1.Container, env map[string]string) error {
	if w.a.REST == nil {
		return nil
	}
	for _, m := range c.VolumeMounts {
		if path.Clean(m.MountPath) != tokenFolder {
			continue
		}
		folder := filepath.Join(w.root(), tokenFolder)
		config := clientcmdapi.NewConfig()
		config.Clusters["lab"] = &clientcmdapi.Cluster{
			Server: w.a.REST.Host, CertificateAuthority: w.a.REST.CAFile, CertificateAuthorityData: w.a.REST.CAData,
		}
		config.AuthInfos["pod"] = &clientcmdapi.AuthInfo{TokenFile: filepath.Join(folder, "token")}
		config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: "pod", Namespace: w.namespace}
		config.CurrentContext = "lab"
		file := filepath.Join(w.folder, "kubeconfig")
		if err := clientcmd.WriteToFile(*config, file); err != nil {
			return fmt.Errorf("writing the pod's kubeconfig: %w", err)
		}
		env["KUBECONFIG"] = file
		return nil
	}
	return nil
}
