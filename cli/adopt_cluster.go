package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/schedule"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

// cluster is one namespace of a cluster, with the user's rights.
type cluster struct {
	namespace       string
	clients         *kube.Clients
	keda, decisions *rest.RESTClient
}

// callsBy names this program among an object's field managers: the operator is furl.
const callsBy = "furl-cli"

func newCluster(c *rest.Config, namespace string) (*cluster, error) {
	clients, err := kube.NewClients(kube.Access{Config: c})
	if err != nil {
		return nil, err
	}
	out := &cluster{namespace: namespace, clients: clients}
	if out.keda, err = groupClient(c, v1alpha1.GroupVersion(), v1alpha1.AddToScheme); err != nil {
		return nil, err
	}
	out.decisions, err = decisionsClient(c)
	return out, err
}

// groupClient speaks to one API group in JSON.
func groupClient(c *rest.Config, group schema.GroupVersion, add func(*runtime.Scheme) error) (*rest.RESTClient, error) {
	scheme := runtime.NewScheme()
	if err := add(scheme); err != nil {
		return nil, err
	}
	c = rest.CopyConfig(c)
	c.GroupVersion, c.APIPath, c.Timeout = &group, "/apis", explainTimeout
	c.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientFor(c)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", group.Group, err)
	}
	return client, nil
}

func (c *cluster) hpa(ctx context.Context, name string) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	h, err := c.clients.Core.AutoscalingV2().HorizontalPodAutoscalers(c.namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("hpa/%s in namespace %s: %w", name, c.namespace, err)
	}
	return h, nil
}

// hpas are the names of all HPAs.
func (c *cluster) hpas(ctx context.Context) ([]string, error) {
	list, err := c.clients.Core.AutoscalingV2().HorizontalPodAutoscalers(c.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("HPAs of namespace %s: %w", c.namespace, err)
	}
	names := make([]string, len(list.Items))
	for i := range list.Items {
		names[i] = list.Items[i].Name
	}
	return names, nil
}

// adopted are the names of the ScaledObjects that have replaced an HPA.
func (c *cluster) adopted(ctx context.Context) (names []string, err error) {
	list := new(v1alpha1.ScaledObjectList)
	if err := c.keda.Get().Namespace(c.namespace).Resource(kube.ScaledObjects).Do(ctx).Into(list); err != nil {
		return nil, fmt.Errorf("ScaledObjects of namespace %s: %w", c.namespace, err)
	}
	for i := range list.Items {
		if _, err := policy.Adopted(&list.Items[i]); err == nil {
			names = append(names, list.Items[i].Name)
		}
	}
	return names, nil
}

func (c *cluster) object(ctx context.Context, name string) (*v1alpha1.ScaledObject, error) {
	so := new(v1alpha1.ScaledObject)
	if err := c.keda.Get().Namespace(c.namespace).Resource(kube.ScaledObjects).Name(name).Do(ctx).Into(so); err != nil {
		return nil, fmt.Errorf("scaledobject/%s in namespace %s: %w", name, c.namespace, err)
	}
	return so, nil
}

func (c *cluster) createObject(ctx context.Context, so *v1alpha1.ScaledObject, dryRun ...string) (*v1alpha1.ScaledObject, error) {
	r := c.keda.Post().Namespace(c.namespace).Resource(kube.ScaledObjects).Param("fieldManager", callsBy).Body(so)
	for _, d := range dryRun {
		r = r.Param("dryRun", d)
	}
	stored := new(v1alpha1.ScaledObject)
	if err := r.Do(ctx).Into(stored); err != nil {
		return nil, fmt.Errorf("create scaledobject/%s: %w", so.Name, err)
	}
	return stored, nil
}

// deleteObject removes this object and no later one of its name.
func (c *cluster) deleteObject(ctx context.Context, so *v1alpha1.ScaledObject) error {
	err := c.keda.Delete().Namespace(c.namespace).Resource(kube.ScaledObjects).Name(so.Name).
		Body(&metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &so.UID}}).Do(ctx).Error()
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete scaledobject/%s: %w", so.Name, err)
	}
	return nil
}

func (c *cluster) createHPA(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) error {
	_, err := c.clients.Core.AutoscalingV2().HorizontalPodAutoscalers(c.namespace).Create(ctx, h, metav1.CreateOptions{FieldManager: callsBy})
	if err != nil {
		return fmt.Errorf("create hpa/%s: %w", h.Name, err)
	}
	return nil
}

// conflicts is how often the removal of an HPA is tried whose status changes meanwhile.
const conflicts = 10

// removeHPA deletes an HPA if it still says what it said.
func (c *cluster) removeHPA(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) error {
	all := c.clients.Core.AutoscalingV2().HorizontalPodAutoscalers(c.namespace)
	for range conflicts {
		is, err := all.Get(ctx, h.Name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("hpa/%s: %w", h.Name, err)
		case is.UID != h.UID || !apiequality.Semantic.DeepEqual(policy.Bare(is), policy.Bare(h)):
			return fmt.Errorf("hpa/%s was changed while it was adopted", h.Name)
		}
		err = all.Delete(ctx, h.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &is.UID, ResourceVersion: &is.ResourceVersion},
		})
		switch {
		case err == nil, apierrors.IsNotFound(err):
			return nil
		case !apierrors.IsConflict(err):
			return fmt.Errorf("delete hpa/%s: %w", h.Name, err)
		}
	}
	return fmt.Errorf("delete hpa/%s: its status changed at each of %d attempts", h.Name, conflicts)
}

// lookEvery is the pause between two looks at what Furl decides.
const lookEvery = 200 * time.Millisecond

// awaitFurl waits until Furl has decided about an object in a mode, from
// readings of all that the object measures.
func (d *adoption) awaitFurl(ctx context.Context, so *v1alpha1.ScaledObject, mode string) error {
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	clock := schedule.Clock{}
	last := errors.New("it was not asked in time")
	for {
		if err := d.decides(ctx, so, mode); err == nil {
			return nil
		} else if ctx.Err() == nil {
			last = err
		}
		if clock.Wait(ctx, clock.Now().Add(lookEvery)) != nil {
			return fmt.Errorf("waited %s for Furl to decide on scaledobject/%s: %w", d.patience, so.Name, last)
		}
	}
}

func (d *adoption) decides(ctx context.Context, so *v1alpha1.ScaledObject, mode string) error {
	r := new(decisions.Decision)
	err := d.decisions.Get().Namespace(d.namespace).Resource("decisions").Name(kindScaledObject + "." + so.Name).Do(ctx).Into(r)
	if err != nil {
		return (&explain{kind: kindScaledObject, name: so.Name}).why(d.namespace, err)
	}
	switch {
	case r.Latest.At.Time.Before(so.CreationTimestamp.Time):
		return errors.New("its last decision is older than the object")
	case r.Latest.Mode != mode:
		return fmt.Errorf("its last decision was made in mode %q, not in mode %q", cmp.Or(r.Latest.Mode, "scale"), cmp.Or(mode, "scale"))
	case r.Latest.Error != "":
		return errors.New(r.Latest.Error)
	}
	for i := range r.Latest.Signals {
		if s := &r.Latest.Signals[i]; s.Missing != "" && mode != "" {
			return fmt.Errorf("%s cannot be measured: %s", s.Name, s.Missing)
		}
	}
	return nil
}

// printObject writes a ScaledObject as a user would: without a status.
func printObject(w io.Writer, format string, so *v1alpha1.ScaledObject) error {
	raw, err := json.Marshal(so)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	delete(fields, "status")
	if m, ok := fields["metadata"].(map[string]any); ok {
		delete(m, "creationTimestamp")
	}
	if spec, ok := fields["spec"].(map[string]any); ok {
		if a, ok := spec["advanced"].(map[string]any); ok {
			delete(a, "scalingModifiers") // empty, and not omitted
		}
	}
	if format == outputJSON {
		return writeJSON(w, fields)
	}
	text, err := yaml.Marshal(fields)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "---\n%s", text)
	return err
}
