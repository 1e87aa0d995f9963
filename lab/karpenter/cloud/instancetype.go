package cloud

import (
	"runtime"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	karpenterv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/scheduling"
)

// GPU is the resource by which pods ask for a GPU.
const GPU corev1.ResourceName = "nvidia.com/gpu"

// Labels that EKS Auto Mode puts on its nodes, beside those of Kubernetes and Karpenter.
const (
	labelFamily     = "eks.amazonaws.com/instance-family"
	labelCategory   = "eks.amazonaws.com/instance-category"
	labelGeneration = "eks.amazonaws.com/instance-generation"
	labelSize       = "eks.amazonaws.com/instance-size"
	labelCPU        = "eks.amazonaws.com/instance-cpu"
	labelMemory     = "eks.amazonaws.com/instance-memory" // in MiB
	labelGPUName    = "eks.amazonaws.com/instance-gpu-name"
	labelGPUMaker   = "eks.amazonaws.com/instance-gpu-manufacturer"
	labelGPUCount   = "eks.amazonaws.com/instance-gpu-count"
	labelGPUMemory  = "eks.amazonaws.com/instance-gpu-memory" // of one, in MiB
)

const region = "us-east-1"

func zones() []string { return []string{region + "a", region + "b", region + "c"} }

// podsAtMost is what a node of the lab has everywhere.
const podsAtMost = 110

// labels are what a node of the model has, wherever it stands and however it is paid.
func (m model) labels() map[string]string {
	category := strings.TrimRight(m.family, "0123456789e")
	return map[string]string{
		corev1.LabelInstanceTypeStable: m.name(),
		corev1.LabelArchStable:         runtime.GOARCH, // pods run as processes of this machine
		corev1.LabelOSStable:           runtime.GOOS,
		corev1.LabelTopologyRegion:     region,
		labelFamily:                    m.family,
		labelCategory:                  category,
		labelGeneration:                strings.Trim(m.family, category+"e"),
		labelSize:                      m.size,
		labelCPU:                       strconv.FormatInt(m.vcpus, 10),
		labelMemory:                    strconv.FormatInt(m.gib<<10, 10),
		labelGPUName:                   m.gpu.name,
		labelGPUMaker:                  "nvidia",
		labelGPUCount:                  strconv.FormatInt(m.gpus, 10),
		labelGPUMemory:                 strconv.FormatInt(m.gpu.mib, 10),
	}
}

func (m model) capacity() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(m.vcpus, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(m.gib<<30, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(80<<30, resource.BinarySI), // the NodeClass's default
		corev1.ResourcePods:             *resource.NewQuantity(podsAtMost, resource.DecimalSI),
		GPU:                             *resource.NewQuantity(m.gpus, resource.DecimalSI),
	}
}

// overhead is what pods do not get, by the formulas of EKS: of the CPU 6 % of the first core, 1 % of the second, 0.5 % of
// the next two and 0.25 % of the others; of the memory 255 MiB, 11 MiB a pod, and 100 MiB that are never given away.
func (m model) overhead() *cloudprovider.InstanceTypeOverhead {
	const mib = 1 << 20
	milli := int64(60)
	if m.vcpus > 1 {
		milli += 10
	}
	if m.vcpus > 2 {
		milli += 5 * min(m.vcpus-2, 2)
	}
	if m.vcpus > 4 {
		milli += (m.vcpus - 4) * 5 / 2
	}
	return &cloudprovider.InstanceTypeOverhead{
		KubeReserved: corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewMilliQuantity(milli, resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity((255+11*podsAtMost)*mib, resource.BinarySI),
		},
		EvictionThreshold: corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(100*mib, resource.BinarySI)},
	}
}

// instanceType is the model as Karpenter wants to know it.
func (m model) instanceType(severalGPUs bool) *cloudprovider.InstanceType {
	requirements := scheduling.NewLabelRequirements(m.labels())
	requirements.Add(
		scheduling.NewRequirement(corev1.LabelTopologyZone, corev1.NodeSelectorOpIn, zones()...),
		scheduling.NewRequirement(karpenterv1.CapacityTypeLabelKey, corev1.NodeSelectorOpIn,
			karpenterv1.CapacityTypeSpot, karpenterv1.CapacityTypeOnDemand),
	)
	t := &cloudprovider.InstanceType{
		Name: m.name(), Requirements: requirements, Capacity: m.capacity(), Overhead: m.overhead(),
	}
	for _, zone := range zones() {
		t.Offerings = append(t.Offerings,
			m.offering(zone, karpenterv1.CapacityTypeSpot, m.hourly*spotShare, severalGPUs),
			m.offering(zone, karpenterv1.CapacityTypeOnDemand, m.hourly, severalGPUs))
	}
	return t
}

func (m model) offering(zone, capacityType string, price float64, severalGPUs bool) *cloudprovider.Offering {
	return &cloudprovider.Offering{
		Requirements: scheduling.NewLabelRequirements(map[string]string{
			corev1.LabelTopologyZone: zone, karpenterv1.CapacityTypeLabelKey: capacityType,
		}),
		Price: price, Available: m.inStock(severalGPUs),
	}
}

// learnLabels tells Karpenter of the labels that the cloud itself puts on nodes: a NodePool need not name them for a pod
// to select by them. This is how every provider does it, and it changes a variable of Karpenter's: once, first of all.
func learnLabels() {
	for name := range catalogue()[0].labels() {
		karpenterv1.WellKnownLabels.Insert(name)
	}
}
