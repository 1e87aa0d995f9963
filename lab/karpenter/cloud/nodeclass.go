package cloud

import (
	"slices"

	"github.com/awslabs/operatorpkg/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// NodeClass is what EKS Auto Mode calls the way its nodes are attached to the account. Here it is but a name that is
// ready: a process needs no role, no subnet and no security group, so its spec is stored and not read.
type NodeClass struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	Status NodeClassStatus `json:"status,omitzero"`
}

// NodeClassStatus says whether nodes may be made with the class.
type NodeClassStatus struct {
	Conditions []status.Condition `json:"conditions,omitempty"`
}

// NodeClassList is a list of NodeClasses.
type NodeClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []NodeClass `json:"items"`
}

// AddToScheme makes the NodeClass known to clients.
func AddToScheme(s *runtime.Scheme) {
	v1 := schema.GroupVersion{Group: "eks.amazonaws.com", Version: "v1"}
	s.AddKnownTypes(v1, &NodeClass{}, &NodeClassList{})
	metav1.AddToGroupVersion(s, v1)
}

// StatusConditions implements status.Object.
func (c *NodeClass) StatusConditions(o ...status.ForOption) status.ConditionSet {
	return status.NewReadyConditions().For(c, o...)
}

// GetConditions implements status.Object.
func (c *NodeClass) GetConditions() []status.Condition { return c.Status.Conditions }

// SetConditions implements status.Object.
func (c *NodeClass) SetConditions(conditions []status.Condition) { c.Status.Conditions = conditions }

// DeepCopyObject implements runtime.Object.
func (c *NodeClass) DeepCopyObject() runtime.Object {
	out := *c
	c.DeepCopyInto(&out.ObjectMeta)
	out.Status.Conditions = slices.Clone(c.Status.Conditions)
	return &out
}

// DeepCopyObject implements runtime.Object.
func (l *NodeClassList) DeepCopyObject() runtime.Object {
	out := *l
	l.DeepCopyInto(&out.ListMeta)
	out.Items = make([]NodeClass, len(l.Items))
	for i := range l.Items {
		if c, ok := l.Items[i].DeepCopyObject().(*NodeClass); ok {
			out.Items[i] = *c
		}
	}
	return &out
}
