package environ

import (
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/api/v1/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
)

// Field gives what a fieldRef asks of a pod. The pod must carry its addresses in its status.
func Field(pod *corev1.Pod, path string) (string, error) {
	switch path {
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP":
		return pod.Status.HostIP, nil
	case "status.hostIPs":
		ips := make([]string, 0, len(pod.Status.HostIPs))
		for _, ip := range pod.Status.HostIPs {
			ips = append(ips, ip.IP)
		}
		return strings.Join(ips, ","), nil
	case "status.podIP":
		return pod.Status.PodIP, nil
	case "status.podIPs":
		ips := make([]string, 0, len(pod.Status.PodIPs))
		for _, ip := range pod.Status.PodIPs {
			ips = append(ips, ip.IP)
		}
		return strings.Join(ips, ","), nil
	}
	value, err := fieldpath.ExtractFieldPathAsString(pod, path)
	if err != nil {
		return "", fmt.Errorf("reading field %s of the pod: %w", path, err)
	}
	return value, nil
}

// Resource gives what a resourceFieldRef asks. Limits that a container does not set are those of the node.
func Resource(pod *corev1.Pod, container string, ref *corev1.ResourceFieldSelector, allocatable corev1.ResourceList) (string, error) {
	if ref.ContainerName != "" {
		container = ref.ContainerName
	}
	defaulted := pod.DeepCopy()
	for _, list := range [][]corev1.Container{defaulted.Spec.InitContainers, defaulted.Spec.Containers} {
		for i := range list {
			fillLimits(&list[i], allocatable)
		}
	}
	value, err := resource.ExtractResourceValueByContainerName(ref, defaulted, container)
	if err != nil {
		return "", fmt.Errorf("reading resource %s of container %s: %w", ref.Resource, container, err)
	}
	return value, nil
}

func fillLimits(c *corev1.Container, allocatable corev1.ResourceList) {
	limits := maps.Clone(allocatable)
	if limits == nil {
		limits = corev1.ResourceList{}
	}
	maps.Copy(limits, c.Resources.Limits)
	c.Resources.Limits = limits
}
