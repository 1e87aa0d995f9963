package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/cli/install"
	"github.com/furl-dev/furl/deploy"
	"github.com/furl-dev/furl/schedule"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// installWithin bounds each wait: a node may have to come for the pods.
const installWithin = 5 * time.Minute

// target is the cluster that an installation is in, as the flags name it.
type target struct {
	rules     *clientcmd.ClientConfigLoadingRules
	overrides clientcmd.ConfigOverrides
}

func (t *target) addFlags(f *pflag.FlagSet) {
	t.rules = clientcmd.NewDefaultClientConfigLoadingRules()
	f.StringVar(&t.rules.ExplicitPath, "kubeconfig", "", "kubeconfig file; absent, as kubectl finds it")
	f.StringVar(&t.overrides.CurrentContext, "context", "", "context of the kubeconfig")
}

// connect returns the cluster; what happens there is printed.
func (t *target) connect(out io.Writer) (*install.Cluster, error) {
	c, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(t.rules, &t.overrides).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return install.Connect(c, install.FieldManager, schedule.Clock{}, func(line string) { fmt.Fprintln(out, line) })
}

// modeScale is what an installation does unless it only observes.
const modeScale = "scale"

// installation is one call of furl install, as its flags say.
type installation struct {
	target
	form   deploy.Form
	mode   string
	dry    string
	output string
	take   bool
	wait   bool
	within time.Duration
}

func installCommand() *cobra.Command {
	i := new(installation)
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Put Furl into a cluster, or bring it up to date",
		Long: `Put Furl into a cluster: its namespace, the kinds of keda.sh, the least rights
that it works with, two replicas, and the APIs and webhooks that they answer
for. What is somebody else's is refused, with who has it and what to do.

Install again with a newer furl, or with other flags, to change an
installation: what the new one does not have is removed.`,
		Example: `  # what would it bring?
  furl install --dry-run=client -o yaml

  # where your nodes can pull the image from
  furl install --image registry.example.com/furl:0.1.0

  # beside metrics-server
  furl install --without metrics-api

  # for two namespaces only, with no right in any other
  furl install --namespaces shop,pay`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return i.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	i.addFlags(f)
	f.StringVarP(&i.form.Namespace, "namespace", "n", deploy.DefaultNamespace, "namespace that Furl lives in")
	f.StringVar(&i.form.Image, "image", "", "image of furl, where the nodes can pull it; absent, the manifests' own")
	f.IntVar(&i.form.Replicas, "replicas", 2, "how many pods run: all scrape and serve, one decides")
	f.StringSliceVar(&i.form.Namespaces, "namespaces", nil, "namespaces that Furl may read and scale in; absent, all")
	f.StringSliceVar(&i.form.Without, "without", nil, "parts to leave out because they are somebody else's: crds, metrics-api, webhooks")
	f.BoolVar(&i.form.ExternalMetrics, "external-metrics", false, "register external.metrics.k8s.io, for HPAs that Furl makes (--actuation=hpa)")
	f.StringVar(&i.mode, "mode", modeScale, "scale, or observe: decide and record only (furl shadow), with no right to write a size or a status")
	f.StringArrayVar(&i.form.Args, "operator-arg", nil, "argument for furl operator, such as --hpa-controller=on; may be repeated")
	f.BoolVar(&i.take, "take-ownership", false, "make objects that nobody says are theirs this installation's")
	f.StringVar(&i.dry, "dry-run", "none", "none, client (print the objects; needs no cluster) or server (have the cluster check them)")
	f.StringVarP(&i.output, "output", "o", "yaml", "format of --dry-run=client: yaml or json")
	f.BoolVar(&i.wait, "wait", true, "wait until the pods are ready and the APIs answer")
	f.DurationVar(&i.within, "timeout", installWithin, "how long each wait may take")
	return cmd
}

func (i *installation) run(ctx context.Context, out io.Writer) error {
	if err := i.check(); err != nil {
		return &UsageError{err}
	}
	i.form.Observe = i.mode == api.ModeObserve
	manifests, err := deploy.Read(deploy.Manifests())
	if err != nil {
		return err
	}
	objects, err := i.form.Objects(manifests)
	if err != nil {
		return err
	}
	if i.dry == "client" {
		return i.print(out, objects)
	}
	cluster, err := i.connect(out)
	if err != nil {
		return err
	}
	order := install.Order{Installation: i.form.Namespace, Objects: objects, Take: i.take, Dry: i.dry == "server"}
	if i.wait {
		order.Within = i.within
	}
	if err := cluster.Install(ctx, order); err != nil {
		return fmt.Errorf("install: %w", err)
	}
	return nil
}

func (i *installation) check() error {
	switch {
	case i.dry != "none" && i.dry != "client" && i.dry != "server":
		return fmt.Errorf("--dry-run: %q is unknown; want none, client or server", i.dry)
	case i.mode != modeScale && i.mode != api.ModeObserve:
		return fmt.Errorf("--mode: %q is unknown; want %s or %s", i.mode, modeScale, api.ModeObserve)
	case i.output != "yaml" && i.output != "json":
		return fmt.Errorf("--output: %q is unknown; want yaml or json", i.output)
	case i.form.Replicas == 0:
		return fmt.Errorf("--replicas is 0: set 1 or more; furl uninstall takes Furl away")
	}
	return i.form.Validate()
}

// print writes the objects as a stream that kubectl reads.
func (i *installation) print(out io.Writer, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		raw, err := o.MarshalJSON()
		if err == nil && i.output == "yaml" {
			raw, err = yaml.JSONToYAML(raw)
			raw = append([]byte("---\n"), raw...)
		}
		if err != nil {
			return fmt.Errorf("print %s %s: %w", o.GetKind(), o.GetName(), err)
		}
		if _, err := out.Write(raw); err != nil {
			return err
		}
	}
	return nil
}
