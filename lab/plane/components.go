package plane

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/furl-dev/furl/lab/plane/setting"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	cliflag "k8s.io/component-base/cli/flag"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controllersoptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	scheduleroptions "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

const (
	readyTimeout = 3 * time.Minute // a busy machine was seen to need 12 s
	readyPoll    = 100 * time.Millisecond
	readyRequest = 5 * time.Second
)

// newAPIServer reads the API server's options, which every other component's feature gates come from.
func newAPIServer(c setting.Config) (*apiserveroptions.ServerRunOptions, error) {
	egress, err := writeEgress(c)
	if err != nil {
		return nil, err
	}
	o := apiserveroptions.NewServerRunOptions()
	if err := parse(setting.APIServerName, o.Flags(), apiServerFlags(c, egress)); err != nil {
		return nil, err
	}
	// Once per process: the other two components share these feature gates.
	if err := o.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, fmt.Errorf("set feature gates: %w", err)
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	name, err := cache.NewInformerName(setting.APIServerName)
	if err != nil {
		return nil, fmt.Errorf("name the informers: %w", err)
	}
	o.InformerName = name
	return o, nil
}

// runAPIServer does what the component's own Run does, step by step: its clients of itself get their name in between.
func runAPIServer(ctx context.Context, o *apiserveroptions.ServerRunOptions) error {
	options, err := o.Complete(ctx)
	if err != nil {
		return fmt.Errorf("complete options: %w", err)
	}
	if errs := options.Validate(); len(errs) > 0 {
		return utilerrors.NewAggregate(errs)
	}
	config, err := apiserver.NewConfig(options)
	if err != nil {
		return err
	}
	guardEgress(config)
	nameRelease(config)
	config.KubeAPIs.ControlPlane.Generic.LoopbackClientConfig.UserAgent = setting.APIServerName
	completed, err := config.Complete()
	if err != nil {
		return err
	}
	chain, err := apiserver.CreateServerChain(completed)
	if err != nil {
		return err
	}
	server, err := chain.PrepareRun()
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

func apiServerFlags(c setting.Config, egress string) []string {
	return append([]string{
		"--etcd-servers=" + address(c.EtcdPort),
		"--etcd-cafile=" + c.Key(setting.EtcdCA+".crt"),
		"--etcd-certfile=" + c.Key(setting.EtcdPeer+".crt"),
		"--etcd-keyfile=" + c.Key(setting.EtcdPeer+".key"),
		"--bind-address=" + host,
		"--secure-port=" + strconv.Itoa(c.APIPort),
		"--advertise-address=" + host,
		// Endpoints may not hold loopback addresses; the lab routes Services itself.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + c.ServiceCIDR,
		"--client-ca-file=" + c.Key(setting.ClusterCA+".crt"),
		"--tls-cert-file=" + c.Key(setting.APIServer+".crt"),
		"--tls-private-key-file=" + c.Key(setting.APIServer+".key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file=" + c.Key(setting.ServiceAccount+".key"),
		"--service-account-key-file=" + c.Key(setting.ServiceAccount+".pub"),
		"--kubelet-certificate-authority=" + c.Key(setting.ClusterCA+".crt"),
		"--kubelet-client-certificate=" + c.Key(setting.KubeletClient+".crt"),
		"--kubelet-client-key=" + c.Key(setting.KubeletClient+".key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file=" + c.Key(setting.FrontProxyCA+".crt"),
		"--requestheader-allowed-names=" + setting.FrontProxyName,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + c.Key(setting.FrontProxyClient+".crt"),
		"--proxy-client-key-file=" + c.Key(setting.FrontProxyClient+".key"),
		"--authorization-mode=RBAC",
		"--allow-privileged=true",
		"--profiling=false",
		"--event-ttl=15m",
		"--egress-selector-config-file=" + egress,
	}, c.APIServerArgs...)
}

func runControllers(ctx context.Context, c setting.Config) error {
	plugins := filepath.Join(c.Dir, "volume-plugins")
	if err := mkdir(plugins); err != nil {
		return err
	}
	o, err := controllersoptions.NewKubeControllerManagerOptions()
	if err != nil {
		return fmt.Errorf("default options: %w", err)
	}
	known, disabled, aliases := controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases()
	flags := o.Flags(known, disabled, aliases)
	if err := parse(setting.ControllerManager, flags, controllerFlags(c, plugins)); err != nil {
		return err
	}
	o.ParsedFlags = &flags
	cfg, err := o.Config(ctx, known, disabled, aliases)
	if err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	return controllers.Run(ctx, cfg.Complete())
}

func controllerFlags(c setting.Config, plugins string) []string {
	list := "*,-endpoints-controller,-endpointslice-controller,-endpointslice-mirroring-controller," +
		"-node-ipam-controller,-certificatesigningrequest-signing-controller"
	if !c.HPAController {
		list += ",-horizontal-pod-autoscaler-controller"
	}
	return append([]string{
		"--kubeconfig=" + c.Key(setting.ControllersConfig),
		"--leader-elect=false", // losing an election would end the process
		"--secure-port=0",
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + c.Key(setting.ServiceAccount+".key"),
		"--root-ca-file=" + c.Key(setting.ClusterCA+".crt"),
		"--controller-start-interval=0s",
		// Without it the component makes a folder of its own outside the lab's.
		"--flex-volume-plugin-dir=" + plugins,
		"--controllers=" + list,
		// Ten times the default: a thousand simulated pods come and go in seconds.
		"--kube-api-qps=200", "--kube-api-burst=300",
	}, c.ControllerManagerArgs...)
}

// newScheduler sets the scheduler up, which makes its clients but calls nobody, and returns what runs it.
func newScheduler(ctx context.Context, c setting.Config) (func(context.Context) error, error) {
	callMyself(setting.Scheduler)
	o := scheduleroptions.NewOptions()
	if err := parse(setting.Scheduler, *o.Flags, append([]string{
		"--kubeconfig=" + c.Key(setting.SchedulerConfig),
		"--leader-elect=false",
		"--secure-port=0",
		"--kube-api-qps=200", "--kube-api-burst=300",
	}, c.SchedulerArgs...)); err != nil {
		return nil, err
	}
	name, err := cache.NewInformerName(setting.Scheduler)
	if err != nil {
		return nil, fmt.Errorf("name the informers: %w", err)
	}
	o.InformerName = name
	cfg, s, err := scheduler.Setup(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("set up: %w", err)
	}
	return func(ctx context.Context) error { return scheduler.Run(ctx, cfg, s) }, nil
}

// parse reads args as the component's own command would, without its command: that one installs signal handlers,
// which a process can have only once.
func parse(component string, sets cliflag.NamedFlagSets, args []string) error {
	all := pflag.NewFlagSet(component, pflag.ContinueOnError)
	for _, set := range sets.FlagSets {
		all.AddFlagSet(set)
	}
	if err := all.Parse(args); err != nil {
		return fmt.Errorf("flags of %s: %w", component, err)
	}
	return nil
}

// waitReady waits until the API server says that it is ready.
func waitReady(ctx context.Context, c setting.Config) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", c.Key(setting.AdminConfig))
	if err != nil {
		return fmt.Errorf("read the admin's kubeconfig: %w", err)
	}
	cfg.Timeout = readyRequest
	cfg.Dial = loopback.Dial
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("make the admin's client: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not ready within %v", readyTimeout))
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", setting.APIServerName, errors.Join(context.Cause(ctx), err))
		}
	}
}
