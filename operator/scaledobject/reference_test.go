package scaledobject_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/furl-dev/furl/operator/scaledobject"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// vault has secrets and counts who uses them, as kube.Watched does.
type vault struct {
	mu      sync.Mutex // guards both
	secrets map[types.NamespacedName]string
	users   map[types.NamespacedName]int
}

func (v *vault) Use(r kube.Ref) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.users[r.NamespacedName]++
}

func (v *vault) Release(r kube.Ref) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.users[r.NamespacedName]--; v.users[r.NamespacedName] == 0 {
		delete(v.users, r.NamespacedName)
	}
}

func (v *vault) Read(_ context.Context, r kube.Ref) (data map[string]string, found bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, found := v.secrets[r.NamespacedName]
	return map[string]string{"password": value}, found, nil
}

// guarded is a controller whose triggers refer to real authentications.
type guarded struct {
	*another
	vault  *vault
	specs  *auth.Authentications
	inputs *auth.Inputs
}

func (c *cluster) guarded() *guarded {
	g := &guarded{
		vault: &vault{secrets: map[types.NamespacedName]string{}, users: map[types.NamespacedName]int{}},
		specs: &auth.Authentications{},
	}
	g.inputs = auth.NewInputs(auth.Settings{Namespace: "furl-system"}, g.specs, g.vault, nil)
	g.specs.Changed = g.inputs.Changed
	g.another = c.another(func(p *scaledobject.Ports) { p.Inputs = g.inputs })
	g.inputs.Notify(g.ReferenceChanged)
	g.lead()
	return g
}

// secret writes one, and tells as a watch does.
func (g *guarded) secret(namespace, value string) {
	key := types.NamespacedName{Namespace: namespace, Name: "queue"}
	g.vault.mu.Lock()
	g.vault.secrets[key] = value
	g.vault.mu.Unlock()
	g.inputs.Changed(kube.Ref{Kind: kube.KindSecret, NamespacedName: key})
	synctest.Wait()
}

func (g *guarded) uses() []types.NamespacedName {
	g.vault.mu.Lock()
	defer g.vault.mu.Unlock()
	return slices.Collect(maps.Keys(g.vault.users))
}

func withAuth(name, kind string) *v1alpha1.ScaledObject {
	o := object(name)
	o.Spec.Triggers[0].AuthenticationRef = &v1alpha1.AuthenticationRef{Name: "queue", Kind: kind}
	return o
}

func passwordFrom() v1alpha1.TriggerAuthenticationSpec {
	return v1alpha1.TriggerAuthenticationSpec{
		SecretTargetRef: []v1alpha1.AuthSecretTargetRef{{Parameter: "password", Name: "queue", Key: "password"}},
	}
}

func TestController_waits_for_an_authentication_that_comes_later(t *testing.T) {
	for kind, home := range map[string]string{
		v1alpha1.KindTriggerAuthentication: "default", v1alpha1.KindClusterTriggerAuthentication: "furl-system",
	} {
		onStage(t, func(c *cluster) {
			c.sizes["web"] = 1
			c.set("web", 20)
			g := c.guarded()
			g.put(withAuth("web", kind))
			c.pass(time.Minute)
			c.expect("ready without it", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
			meta := metav1.ObjectMeta{Namespace: "default", Name: "queue"}
			if kind == v1alpha1.KindTriggerAuthentication {
				g.specs.Namespaced().Put(&v1alpha1.TriggerAuthentication{ObjectMeta: meta, Spec: passwordFrom()})
			} else {
				g.specs.Cluster().Put(&v1alpha1.ClusterTriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Name: "queue"}, Spec: passwordFrom()})
			}
			c.pass(time.Second)
			g.secret(home, "first")
			c.pass(time.Minute)
			c.expect("ready with it", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
			c.expect("passwords", c.opened[len(c.opened)-1], "first")
			c.expect("size", c.sizes["web"], int32(4))
			c.expect("secrets in use", g.uses(), []types.NamespacedName{{Namespace: home, Name: "queue"}})
			g.drop("web")
			c.expect("secrets in use", len(g.uses()), 0)
			c.expect("sources", c.pool.Len(), 0)
		})
	}
}

func TestController_tells_all_who_share_a_secret(t *testing.T) {
	onStage(t, func(c *cluster) {
		g := c.guarded()
		g.specs.Namespaced().Put(&v1alpha1.TriggerAuthentication{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "queue"}, Spec: passwordFrom(),
		})
		g.secret("default", "old")
		for _, name := range []string{"web", "api"} {
			c.sizes[name] = 1
			c.set(name, 5)
			g.put(withAuth(name, ""))
		}
		c.pass(10 * time.Second)
		c.expect("passwords", c.opened, []string{"old", "old"})
		g.secret("default", "new")
		c.pass(10 * time.Second)
		c.expect("passwords after a rotation", c.opened, []string{"old", "old", "new", "new"})
		c.expect("sources", c.pool.Len(), 2)
		g.drop("web")
		g.secret("default", "newest")
		c.pass(10 * time.Second)
		c.expect("passwords of the one that is left", c.opened[4:], []string{"newest"})
	})
}
