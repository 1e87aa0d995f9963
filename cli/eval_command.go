package cli

import (
	"errors"

	"github.com/furl-dev/furl/cli/eval"
	"github.com/furl-dev/furl/policy"
	"github.com/spf13/cobra"
)

const evalHelp = `Decide offline what an HPA or a ScaledObject would do, and check what you expect of it.

The YAML goes through the same loop and engine as in the cluster. Observations
say what is true of the workload; several make a script that the history of
decisions carries through.

An observation, with everything but kind left out where it does not matter:

  kind: Observation
  at: 0s                       # or an instant; 15s after the one before
  for: 5m                      # hold it that long, with a decision every 15s
  replicas: 3                  # or {spec: 3, status: 2}; what was decided last
  pods:
  - cpu: 305m                  # of each pod; without count: of all the others
    request: 200m              # or {cpu: 200m, memory: 64Mi}, or from a Deployment
  - {count: 1, cpu: 10m, request: 200m, ready: false, age: 10s}
  - {name: web-7, containers: {app: {cpu: 90m, request: 100m}}, metrics: {qps: 12}}
  metrics:
    external/queue: 35         # Object and External metrics, by signal
    cpu: {missing: "no answer from the metrics API"}
  expect:
    replicas: 5                # exactly
    within: [4, 6]             # at least and at most
    rule: stabilise            # which rule changed the number last
    steps: ["was within the last 5m0s"]

Of a ScaledObject, with a decision each polling interval:

  triggers:
    s0-aws-sqs-orders: 50      # by metric, or by the trigger's name, type or place
    orders: {missing: "connection refused"}
    external: {value: 3, active: true}
  lastActive: 10m              # ago, or an instant; created likewise
  expect:
    active: true
    conditions: {Active: ScalerCooldown, Ready: "True"}

Signals of an HPA are named cpu, memory, cpu/CONTAINER, pods/METRIC, object/METRIC and
external/METRIC, in the order of the HPA; the second of a name ends in -2.

Exit code: 0 all expectations hold, 1 some do not, 2 the input cannot be used.`

const evalExample = `  # what would it do?
  furl eval -f hpa.yaml -f observation.yaml

  # a unit test of the YAML, in CI
  furl eval -f hpa.yaml -f deployment.yaml -f tests/rush-hour.yaml --output json

  # what if nothing were stabilised?
  furl eval -f hpa.yaml -f observation.yaml --without stabilise`

func evalCommand() *cobra.Command {
	c := eval.Command{Defaults: policy.UpstreamDefaults()}
	cmd := &cobra.Command{
		Use:     "eval -f FILE [-f FILE...]",
		Short:   "Decide offline on what was observed, step by step, and check expectations",
		Long:    evalHelp,
		Example: evalExample,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := c.Run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
			if err != nil && !errors.Is(err, eval.ErrUnmet) {
				return &UsageError{err}
			}
			return err
		},
	}
	d, f := &c.Defaults, cmd.Flags()
	f.StringArrayVarP(&c.Files, "filename", "f", nil, "file with HPAs, ScaledObjects, observations or Deployments, - for standard input; may be given often")
	f.StringVarP(&c.Output, "output", "o", "text", "format: text, json or yaml")
	f.StringSliceVar(&c.Without, "without", nil, "rules that shall not speak, such as stabilise")
	f.Float64Var(&d.Tolerance, "horizontal-pod-autoscaler-tolerance", d.Tolerance, "ratios this near to 1 change nothing")
	f.DurationVar(&d.DownscaleStabilization, "horizontal-pod-autoscaler-downscale-stabilization", d.DownscaleStabilization, "window for shrinking where the HPA gives none")
	f.DurationVar(&d.CPUInitialization, "horizontal-pod-autoscaler-cpu-initialization-period", d.CPUInitialization, "time after a pod's start in which its CPU may be skipped")
	f.DurationVar(&d.InitialReadiness, "horizontal-pod-autoscaler-initial-readiness-delay", d.InitialReadiness, "time after a pod's start in which unready means never ready")
	return cmd
}

// noArgs refuses arguments as an error of usage.
func noArgs(cmd *cobra.Command, args []string) error {
	if err := cobra.NoArgs(cmd, args); err != nil {
		return &UsageError{err}
	}
	return nil
}
