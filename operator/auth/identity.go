package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/trigger"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// roleParam is the parameter that KEDA's AWS triggers find a role in.
const roleParam = "awsRoleArn"

// identity takes over who the trigger should be towards a cloud.
func (f *filling) identity(ctx context.Context) error {
	p := f.spec.PodIdentity
	if p == nil {
		return nil
	}
	f.out.Identity = trigger.Identity{
		Provider: string(p.Provider), ExternalID: text(p.ExternalID),
		ID: text(p.IdentityID), Tenant: text(p.IdentityTenantID), AuthorityHost: text(p.IdentityAuthorityHost),
	}
	role, err := f.role(ctx, p)
	if err != nil {
		return fmt.Errorf("podIdentity %s: %w", p.Provider, err)
	}
	if role != "" {
		f.out.Identity.RoleARN, f.out.Params[roleParam] = role, role
	}
	return nil
}

// role is the AWS role to assume; empty for the operator's own identity.
func (f *filling) role(ctx context.Context, p *v1alpha1.AuthPodIdentity) (string, error) {
	switch {
	case p.Provider == v1alpha1.PodIdentityProviderAws && p.IsWorkloads():
		return f.workloadRole(ctx)
	case p.Provider == v1alpha1.PodIdentityProviderAws:
		return text(p.RoleArn), nil
	case p.Provider == v1alpha1.PodIdentityProviderAwsEKS:
		role, err := f.workloadRole(ctx)
		if errors.Is(err, errNoRole) {
			return "", nil // as with KEDA: then the keys of the authentication are used
		}
		return role, err
	}
	return "", nil
}

// errNoRole means that a service account names no role.
var errNoRole = fmt.Errorf("no annotation %s", v1alpha1.AnnotationEKSRoleARN)

// workloadRole is the role that the service account of the workload names.
func (f *filling) workloadRole(ctx context.Context) (string, error) {
	pod, err := f.pod(ctx)
	if err != nil {
		return "", err
	}
	name := pod.ServiceAccountName
	if name == "" {
		name = "default"
	}
	account := kube.Ref{Kind: kube.KindServiceAccount, NamespacedName: types.NamespacedName{Namespace: f.subject.Namespace, Name: name}}
	annotations, err := f.object(ctx, account)
	if err != nil {
		return "", err
	}
	role := annotations[v1alpha1.AnnotationEKSRoleARN]
	if role == "" {
		return "", fmt.Errorf("%s: %w", account, errNoRole)
	}
	return role, nil
}

func (f *filling) pod(ctx context.Context) (*corev1.PodSpec, error) {
	if f.subject.Pod == nil {
		return nil, errNoPod
	}
	pod, err := f.subject.Pod(ctx)
	if err == nil && pod == nil {
		err = errNoPod
	}
	return pod, err
}

// errNoPod means that nothing is known of the workload's containers.
var errNoPod = errors.New("the workload has no pod template to take it from")

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
