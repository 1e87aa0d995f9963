package agent

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

func serviceAt(namespace, name, ip string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{ClusterIP: ip, Ports: ports},
	}
}

func TestPod_is_told_of_Services_as_by_a_kubelet(t *testing.T) {
	b := newBed(t,
		serviceAt("default", "kubernetes", "127.96.0.1", corev1.ServicePort{Name: "https", Port: 443}),
		serviceAt("default", "web-shop", "127.96.0.7", corev1.ServicePort{Port: 80}),
		serviceAt("default", "peers", corev1.ClusterIPNone, corev1.ServicePort{Port: 80}),
		serviceAt("elsewhere", "other", "127.96.0.8", corev1.ServicePort{Port: 80}),
	)
	names := sh("echo $(env | grep -E '_SERVICE_(HOST|PORT)=' | sort)")
	b.run("links", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: names})
	b.run("nolinks", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: names, EnableServiceLinks: new(bool)})
	api := []string{"KUBERNETES_SERVICE_HOST=127.96.0.1", "KUBERNETES_SERVICE_PORT=443"}
	for name, want := range map[string][]string{
		"links":   append(slices.Clone(api), "WEB_SHOP_SERVICE_HOST=127.96.0.7", "WEB_SHOP_SERVICE_PORT=80"),
		"nolinks": api,
	} {
		b.eventually(name+"'s end", func() bool { return b.pod(name).Status.Phase == corev1.PodSucceeded })
		if diff := cmp.Diff(want, strings.Fields(b.logs(name, ""))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLocate_names_the_socket_that_stands_for_a_port(t *testing.T) {
	a := &agent{Config: Config{Services: func(name cache.ObjectName, port int32) (string, bool) {
		if name.String() == "shop/web" && port == 80 {
			return "127.96.0.7:40080", true // without privileges
		}
		return "", false
	}}}
	web := serviceAt("shop", "web", "127.96.0.7", corev1.ServicePort{Port: 80}, corev1.ServicePort{Name: "late", Port: 81})
	a.locate(web)
	want := corev1.ServiceSpec{ClusterIP: "127.96.0.7", Ports: []corev1.ServicePort{{Port: 40080}, {Name: "late", Port: 81}}}
	if diff := cmp.Diff(want, web.Spec); diff != "" {
		t.Errorf("the Service is told as (-want +got):\n%s", diff)
	}
}
