package operator

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/resource"
	"github.com/spf13/pflag"
)

// Where CPU and memory come from.
const (
	// ResourceSelf scrapes the kubelets in this process and serves metrics.k8s.io from it.
	ResourceSelf = "self"
	// ResourceAPI reads metrics.k8s.io, served by somebody else, as upstream does;
	// of the aggregated APIs this process then serves decisions.furl.dev only.
	ResourceAPI = "api"
)

// Whether Furl serves ScaledObjects.
const (
	// ScaledObjectsOn serves all but those that KEDA is at work on.
	ScaledObjectsOn = "on"
	// ScaledObjectsOff serves none.
	ScaledObjectsOff = "off"
)

// What Furl does with its decisions.
const (
	// ModeScale carries them out.
	ModeScale = "scale"
	// ModeObserve records them, as if every object had the annotation furl.dev/mode: observe.
	ModeObserve = api.ModeObserve
)

// What the webhook does about triggers whose settings cannot be used.
const (
	// SettingsRefuse keeps such an object out.
	SettingsRefuse = "refuse"
	// SettingsWarn lets it in with a warning, as KEDA does without one.
	SettingsWarn = "warn"
)

// Config is what the flags of `furl operator` say.
type Config struct {
	// Kubeconfig names the cluster; empty means the one that Furl runs in.
	Kubeconfig string
	// Namespace is Furl's own: its lease lives there.
	Namespace string
	// Name is that of the installation: of its lease, of the Service of its APIs
	// and, with -leader after it, of the leader's.
	Name string
	// WatchNamespaces are those whose objects Furl reads and scales; all when empty.
	WatchNamespaces []string
	// Identity tells the replicas of Furl apart, such as the pod's name.
	Identity string
	// Address is where the other pods of the cluster reach this process; invalid
	// when it runs outside.
	Address netip.Addr
	// LeaderElect waits for the lease before deciding.
	LeaderElect bool
	// Term is the lease's timing.
	Term kube.Term
	// Control says which HPAs are Furl's: auto, on or off.
	Control string
	// Mode is ModeScale or ModeObserve.
	Mode string
	// ScaledObjects is on or off: whether Furl serves the objects of keda.sh.
	ScaledObjects string
	// Actuation is direct or hpa: who moves the workload of a ScaledObject that does
	// not say between one replica and many.
	Actuation string
	// ClusterObjectNamespace is where a ClusterTriggerAuthentication finds its
	// secrets; Furl's own namespace unless set.
	ClusterObjectNamespace string
	// RestrictSecretAccess reads no secret outside ClusterObjectNamespace.
	RestrictSecretAccess bool
	// AuthFiles is the folder below which the filePath of a
	// ClusterTriggerAuthentication is read; empty allows none.
	AuthFiles string
	// UnservedAfter is how old an HPA without any condition must be for auto to take it.
	UnservedAfter time.Duration
	// ResourceMetrics is ResourceSelf or ResourceAPI.
	ResourceMetrics string
	// MetricsBindAddress is where /metrics, /healthz and /readyz answer.
	MetricsBindAddress string
	// WebhookBindAddress is where admission reviews are answered; empty: nowhere.
	WebhookBindAddress string
	// WebhookCertDir has tls.crt and tls.key of the webhooks; empty: those of
	// --tls-cert-file, or what Furl makes itself.
	WebhookCertDir string
	// WebhookSettings is SettingsRefuse or SettingsWarn: what becomes of a trigger
	// whose settings cannot be used.
	WebhookSettings string
	// WebhookConfiguration and CertSecret are the objects that Furl writes its
	// authorities and its certificate into; empty: named after Name.
	WebhookConfiguration, CertSecret string
	// Workers is how many HPAs may be at work at the same time.
	Workers int
	// Defaults speak where an HPA is silent.
	Defaults policy.Defaults
	// Scrape and Serving are the flags of the two halves of metrics-server.
	Scrape  resource.Options
	Serving *metricsapi.Options
	Log     *slog.Logger
}

// defaultWorkers is how many HPAs are at work at once: a worker that waits for a
// metrics adapter that hangs is lost to the others for 10 s out of 15, so that
// 64 bear 80 such HPAs and more. An idle worker costs some kilobytes.
const defaultWorkers = 64

// DefaultConfig is the configuration without flags.
func DefaultConfig() Config {
	return Config{
		Namespace:          "furl-system",
		Name:               "furl",
		LeaderElect:        true,
		Term:               kube.DefaultTerm(),
		Control:            string(hpa.Auto),
		Mode:               ModeScale,
		ScaledObjects:      ScaledObjectsOn,
		Actuation:          api.ActuationDirect,
		UnservedAfter:      hpa.UnservedAfter,
		ResourceMetrics:    ResourceSelf,
		MetricsBindAddress: ":8080",
		WebhookBindAddress: ":9443", WebhookSettings: SettingsRefuse,
		Workers:  defaultWorkers,
		Defaults: policy.UpstreamDefaults(),
		Scrape:   resource.DefaultOptions(),
		Serving:  metricsapi.DefaultOptions(),
	}
}

// AddFlags binds the configuration to fs with its present values as defaults.
func (c *Config) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&c.Kubeconfig, "kubeconfig", c.Kubeconfig, "File that names the cluster. Default: the one of the variable KUBECONFIG, else the cluster that Furl runs in.")
	fs.StringVar(&c.Namespace, "namespace", c.Namespace, "Furl's own namespace, for its lease.")
	fs.StringVar(&c.Name, "name", c.Name, "Name of this installation: of its lease, of the Service of its APIs and, with -leader after it, of the leader's.")
	fs.StringSliceVar(&c.WatchNamespaces, "watch-namespace", c.WatchNamespaces,
		"Namespaces whose objects Furl reads and scales, as WATCH_NAMESPACE. Default: all.")
	c.addLeaseFlags(fs)
	fs.StringVar(&c.Control, "hpa-controller", c.Control, "Which HorizontalPodAutoscalers Furl reconciles: auto (those that nobody else serves), on (all) or off.")
	fs.StringVar(&c.ScaledObjects, "scaled-objects", c.ScaledObjects, "Whether Furl serves the objects of keda.sh: on (all but those that KEDA is at work on) or off.")
	fs.StringVar(&c.Mode, "mode", c.Mode,
		"What Furl does with its decisions: scale (carry them out) or observe (record them for furl explain and furl shadow, and write no size and no status).")
	fs.StringVar(&c.Actuation, "actuation", c.Actuation,
		"Who moves the workload of a ScaledObject between one replica and many: direct (Furl, by /scale) or hpa (an HPA object as KEDA makes it). The annotation "+
			api.AnnotationActuation+" speaks for one object.")
	c.addAuthFlags(fs)
	c.addWebhookFlags(fs)
	fs.DurationVar(&c.UnservedAfter, "hpa-unserved-after", c.UnservedAfter,
		"How long an HPA must have been without a condition from any controller for --hpa-controller=auto to take it.")
	fs.StringVar(&c.ResourceMetrics, "resource-metrics", c.ResourceMetrics,
		"Where CPU and memory come from: self (scrape the kubelets and serve metrics.k8s.io) or api (read metrics.k8s.io).")
	fs.StringVar(&c.MetricsBindAddress, "metrics-bind-address", c.MetricsBindAddress, "Address of /metrics, /healthz and /readyz.")
	fs.IntVar(&c.Workers, "concurrent-horizontal-pod-autoscaler-syncs", c.Workers, "How many HPAs may be at work at the same time.")
	d := &c.Defaults
	fs.Float64Var(&d.Tolerance, "horizontal-pod-autoscaler-tolerance", d.Tolerance, "How far usage over target may be from 1 without a change.")
	fs.DurationVar(&d.DownscaleStabilization, "horizontal-pod-autoscaler-downscale-stabilization", d.DownscaleStabilization,
		"How long a smaller size must have been wanted, where an HPA does not say.")
	fs.DurationVar(&d.CPUInitialization, "horizontal-pod-autoscaler-cpu-initialization-period", d.CPUInitialization,
		"How long after a pod's start its CPU may be skipped.")
	fs.DurationVar(&d.InitialReadiness, "horizontal-pod-autoscaler-initial-readiness-delay", d.InitialReadiness,
		"How soon after a pod's start a change of readiness still means that it was never ready.")
	c.Scrape.AddFlags(fs)
	c.Serving.AddFlags(fs)
}

// addLeaseFlags binds who decides; the names are kube-controller-manager's.
func (c *Config) addLeaseFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&c.LeaderElect, "leader-elect", c.LeaderElect, "Decide only while holding the lease, so that several replicas can run.")
	fs.DurationVar(&c.Term.Duration, "leader-elect-lease-duration", c.Term.Duration,
		"For how long nobody else takes a lease that is not renewed: how long nothing is decided when the leader dies without a word. The same for all replicas.")
	fs.DurationVar(&c.Term.RenewDeadline, "leader-elect-renew-deadline", c.Term.RenewDeadline,
		"For how long after the last renewal the leader writes. What is left of the lease then is for what is on its way.")
	fs.DurationVar(&c.Term.RetryPeriod, "leader-elect-retry-period", c.Term.RetryPeriod,
		"How often the leader renews the lease, and the least time between two tries of others to get it; the most is 2.2 times that.")
}

// addAuthFlags binds where triggers may find credentials.
func (c *Config) addAuthFlags(fs *pflag.FlagSet) {
	fs.StringVar(&c.ClusterObjectNamespace, "cluster-object-namespace", c.ClusterObjectNamespace,
		"Where a ClusterTriggerAuthentication finds its secrets, as KEDA_CLUSTER_OBJECT_NAMESPACE. Default: the namespace of --namespace.")
	fs.BoolVar(&c.RestrictSecretAccess, "restrict-secret-access", c.RestrictSecretAccess,
		"Read secrets of --cluster-object-namespace only, as KEDA_RESTRICT_SECRET_ACCESS.")
	fs.StringVar(&c.AuthFiles, "filepath-auth-root-path", c.AuthFiles,
		"Folder below which the filePath of a ClusterTriggerAuthentication is read. Default: none, such a filePath is refused.")
}

// addWebhookFlags binds admission and its certificate.
func (c *Config) addWebhookFlags(fs *pflag.FlagSet) {
	fs.StringVar(&c.WebhookBindAddress, "webhook-bind-address", c.WebhookBindAddress, "Address of the admission webhooks. Empty serves none.")
	fs.StringVar(&c.WebhookCertDir, "webhook-cert-dir", c.WebhookCertDir,
		"Folder with tls.crt and tls.key of the webhooks, such as cert-manager fills. Default: --tls-cert-file where that is given, else Furl makes and renews them.")
	fs.StringVar(&c.WebhookSettings, "webhook-trigger-settings", c.WebhookSettings,
		"What the webhooks do about a trigger whose settings cannot be used: refuse the object, or warn as KEDA would have let it in.")
	fs.StringVar(&c.WebhookConfiguration, "webhook-configuration", c.WebhookConfiguration,
		"ValidatingWebhookConfiguration that is told whom to trust, where Furl makes the certificate. Default: the name of --name.")
	fs.StringVar(&c.CertSecret, "cert-secret-name", c.CertSecret, "Secret of --namespace in which Furl keeps the certificate that it makes. Default: the name of --name with -certificates.")
}

// authSettings is what the flags say about credentials.
func (c *Config) authSettings() auth.Settings {
	return auth.Settings{
		Namespace:       cmp.Or(c.ClusterObjectNamespace, c.Namespace),
		RestrictSecrets: c.RestrictSecretAccess, FileRoot: c.AuthFiles,
	}
}

// Validate returns what is wrong with the configuration, each with its flag's name.
func (c *Config) Validate() error {
	var wrong []error
	refuse := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	_, err := hpa.ParseControl(c.Control)
	refuse(err != nil, "--%w", err)
	refuse(c.Mode != ModeScale && c.Mode != ModeObserve, "--mode is %q: set %s or %s", c.Mode, ModeScale, ModeObserve)
	refuse(c.ScaledObjects != ScaledObjectsOn && c.ScaledObjects != ScaledObjectsOff,
		"--scaled-objects is %q: set %s or %s", c.ScaledObjects, ScaledObjectsOn, ScaledObjectsOff)
	refuse(c.Actuation != api.ActuationDirect && c.Actuation != api.ActuationHPA,
		"--actuation is %q: set %s or %s", c.Actuation, api.ActuationDirect, api.ActuationHPA)
	refuse(c.ResourceMetrics != ResourceSelf && c.ResourceMetrics != ResourceAPI,
		"--resource-metrics is %q: set %s or %s", c.ResourceMetrics, ResourceSelf, ResourceAPI)
	refuse(c.WebhookSettings != SettingsRefuse && c.WebhookSettings != SettingsWarn,
		"--webhook-trigger-settings is %q: set %s or %s", c.WebhookSettings, SettingsRefuse, SettingsWarn)
	refuse(c.UnservedAfter <= 0, "--hpa-unserved-after is %s: set more than 0", c.UnservedAfter)
	refuse(c.Workers < 1, "--concurrent-horizontal-pod-autoscaler-syncs is %d: set 1 or more", c.Workers)
	refuse(c.Namespace == "", "--namespace is empty: name the one that Furl runs in")
	refuse(c.Name == "", "--name is empty: name the Service that leads here, such as furl")
	refuse(c.Defaults.Tolerance < 0, "--horizontal-pod-autoscaler-tolerance is %g: set 0 or more", c.Defaults.Tolerance)
	refuse(c.Defaults.DownscaleStabilization < 0, "--horizontal-pod-autoscaler-downscale-stabilization is %s: set 0 or more", c.Defaults.DownscaleStabilization)
	refuse(c.Defaults.CPUInitialization < 0, "--horizontal-pod-autoscaler-cpu-initialization-period is %s: set 0 or more", c.Defaults.CPUInitialization)
	refuse(c.Defaults.InitialReadiness < 0, "--horizontal-pod-autoscaler-initial-readiness-delay is %s: set 0 or more", c.Defaults.InitialReadiness)
	if c.LeaderElect {
		wrong = append(wrong, c.Term.Validate())
	}
	if wrong = append(wrong, c.Serving.Validate()); c.ResourceMetrics == ResourceSelf {
		wrong = append(wrong, c.Scrape.Validate())
	}
	return errors.Join(wrong...)
}
