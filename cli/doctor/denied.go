package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
)

// refusals are words by which sources and clouds say "not you".
func refusals() []string {
	return []string{
		"accessdenied", "access denied", "not authorized", "unauthorized", "forbidden", "status code 401", "status code 403", "401", "403",
		"invalidclienttokenid", "signaturedoesnotmatch", "expiredtoken", "unrecognizedclient", "authentication failed", "permission denied",
		"wrongpass", "noauth", "no credentials", "failed to retrieve credentials",
	}
}

// refused tells that a source was reached and does not take the identity.
func refused(why string) bool {
	why = strings.ToLower(why)
	return slices.ContainsFunc(refusals(), func(w string) bool { return strings.Contains(why, w) })
}

// denied finds triggers whose source refuses the identity it is asked with, and
// says which one that was.
func denied(s *Snapshot) []Finding {
	var out []Finding
	for _, a := range s.autoscalers() {
		if a.so == nil {
			continue
		}
		var why []silence
		for _, x := range s.silences(&a) {
			if refused(x.why) {
				why = append(why, x)
			}
		}
		if len(why) > 0 {
			out = append(out, deniedOf(s, &a, why))
		}
	}
	return out
}

func deniedOf(s *Snapshot, a *autoscaler, why []silence) Finding {
	f := Finding{
		Rule: "access", Severity: Error, Object: a.ref.object(), Namespace: a.ref.Namespace, about: s.around(a.target),
		Sentence: fmt.Sprintf("the source of %s refuses access, so the size is held and never shrinks", why[0].signal),
	}
	for _, x := range why {
		f.Evidence = append(f.Evidence, x.signal+": "+x.why)
	}
	for i := range a.so.Spec.Triggers {
		t := &a.so.Spec.Triggers[i]
		if resourceTrigger(t) || len(why) < len(a.so.Spec.Triggers) && !concernsTrigger(why, i) {
			continue
		}
		who, do := s.identity(a, t)
		f.Evidence = append(f.Evidence, fmt.Sprintf("trigger %d (%s) asked as %s", i, t.Type, who))
		f.Do = append(f.Do, do)
	}
	f.Do = append(f.Do, fmt.Sprintf("kubectl describe scaledobject %s -n %s", a.ref.Name, a.ref.Namespace))
	return f
}

// concernsTrigger tells that one of the signals is of trigger i: their names begin with s0-.
func concernsTrigger(why []silence, i int) bool {
	return slices.ContainsFunc(why, func(x silence) bool { return strings.HasPrefix(x.signal, fmt.Sprintf("s%d-", i)) })
}

// identity is who a trigger asks as, and what to look at when that is refused.
// No secret's value is read.
func (s *Snapshot) identity(a *autoscaler, t *v1alpha1.ScaleTriggers) (who, do string) {
	ref := t.AuthenticationRef
	if ref == nil {
		if owner := t.Metadata["identityOwner"]; owner == "operator" {
			return s.operatorIdentity(), grantOperator
		}
		if t.Metadata["awsRoleArn"] != "" {
			return "the AWS role " + t.Metadata["awsRoleArn"] + " (awsRoleArn)", "Let that role trust Furl's, and give it the rights on the source."
		}
		for key := range t.Metadata {
			if strings.HasSuffix(key, "FromEnv") {
				return fmt.Sprintf("what the environment of %s says (settings that end in FromEnv)", a.target.object()),
					"Look at the variables of the workload's container, and at the secrets behind them."
			}
		}
		return "nobody in particular: it has no authenticationRef", "Give the trigger an authenticationRef."
	}
	spec, ok := s.authentication(a.ref.Namespace, ref)
	name := strings.ToLower(cmp.Or(ref.Kind, "TriggerAuthentication")) + "/" + ref.Name
	if !ok {
		return name + ", which is not there or may not be read", fmt.Sprintf("kubectl get %s -n %s", name, a.ref.Namespace)
	}
	if p := spec.PodIdentity; p != nil && p.Provider != "" && p.Provider != "none" {
		return s.podIdentity(a, name, p)
	}
	var from []string
	for _, r := range spec.SecretTargetRef {
		from = append(from, fmt.Sprintf("key %s of secret %s", r.Key, r.Name))
	}
	for _, r := range spec.ConfigMapTargetRef {
		from = append(from, fmt.Sprintf("key %s of configmap %s", r.Key, r.Name))
	}
	if len(from) == 0 {
		return name, fmt.Sprintf("kubectl get %s -n %s -o yaml", name, a.ref.Namespace)
	}
	return fmt.Sprintf("what %s says: %s", name, strings.Join(from, ", ")),
		"Look whether these credentials are still valid and have the rights on the source; Furl takes a changed secret at once."
}

const grantOperator = "Give the operator's identity the rights on the source: for SQS sqs:GetQueueAttributes on the queue."

// podIdentity is the cloud's identity that an authentication names.
func (s *Snapshot) podIdentity(a *autoscaler, name string, p *v1alpha1.AuthPodIdentity) (who, do string) {
	switch {
	case p.RoleArn != nil && *p.RoleArn != "":
		return fmt.Sprintf("the role %s, as %s says (provider %s)", *p.RoleArn, name, p.Provider),
			"Let that role trust the operator's, and give it the rights on the source."
	case p.IdentityOwner != nil && *p.IdentityOwner == "workload":
		account := "default"
		if w := s.workload(a.target); w != nil && w.template.Spec.ServiceAccountName != "" {
			account = w.template.Spec.ServiceAccountName
		}
		return fmt.Sprintf("the role of the workload's service account %s, %s (%s, provider %s)", account, s.roleOf(a.ref.Namespace, account), name, p.Provider),
			"Give that role the rights on the source, and let it trust the operator's."
	default:
		return fmt.Sprintf("%s (%s, provider %s)", s.operatorIdentity(), name, p.Provider), grantOperator
	}
}

// operatorIdentity is Furl's own identity towards a cloud.
func (s *Snapshot) operatorIdentity() string {
	if s.System == "" {
		return "the operator itself"
	}
	return fmt.Sprintf("the operator itself, service account %s/furl, %s", s.System, s.roleOf(s.System, "furl"))
}

// roleOf is the cloud role that a service account names, as IRSA has it.
func (s *Snapshot) roleOf(namespace, name string) string {
	for i := range s.Accounts {
		if a := &s.Accounts[i]; a.Namespace == namespace && a.Name == name {
			if role := a.Annotations["eks.amazonaws.com/role-arn"]; role != "" {
				return "role " + role
			}
			return "which names no role (EKS Pod Identity may give it one)"
		}
	}
	return "whose role could not be read"
}

func (s *Snapshot) authentication(namespace string, ref *v1alpha1.AuthenticationRef) (*v1alpha1.TriggerAuthenticationSpec, bool) {
	if ref.Kind == v1alpha1.KindClusterTriggerAuthentication {
		for i := range s.ClusterAuths {
			if s.ClusterAuths[i].Name == ref.Name {
				return &s.ClusterAuths[i].Spec, true
			}
		}
		return nil, false
	}
	for i := range s.Authentications {
		if x := &s.Authentications[i]; x.Namespace == namespace && x.Name == ref.Name {
			return &x.Spec, true
		}
	}
	return nil, false
}
