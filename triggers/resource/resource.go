// Package resource describes the triggers that need no system but the pods themselves: cpu and memory.
package resource

import (
	"fmt"
	"strconv"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/quantity"
)

// CPU describes the cpu trigger; triggers/all lists it.
func CPU() trigger.Kind {
	return trigger.DefineResource[config]("cpu", "Reads the CPU that the pods use, as metrics of a HorizontalPodAutoscaler do.")
}

// Memory describes the memory trigger; triggers/all lists it.
func Memory() trigger.Kind {
	return trigger.DefineResource[config]("memory", "Reads the memory that the pods use, as metrics of a HorizontalPodAutoscaler do.")
}

type config struct {
	Type      string `cfg:"type,optional,deprecated=the key has no effect since KEDA 2.18: write metricType beside metadata" doc:"formerly the metric type"`
	Value     string `cfg:"value" example:"60" doc:"for metricType Utilization per cent of the request, for AverageValue a quantity per pod"`
	Container string `cfg:"containerName,optional" doc:"container to read, instead of all of the pod's"`
	Input     trigger.Input
}

// ContainerName is the container to read, empty for the whole pod; whoever reads the pods asks.
func (c config) ContainerName() string { return c.Container }

// Validate reads the value as the metric type asks.
func (c config) Validate() error {
	_, err := c.target()
	return err
}

// Target is in per cent for Utilization, in cores or bytes for AverageValue.
func (c config) Target() (target, activation float64) {
	target, _ = c.target() // Validate has asked
	return target, 0
}

func (c config) target() (float64, error) {
	switch c.Input.MetricType {
	case "Utilization":
		percent, err := strconv.ParseInt(c.Value, 10, 32)
		if err != nil || percent < 1 {
			return 0, fmt.Errorf("value %q: want per cent of the request as a whole number above 0, such as 50", c.Value)
		}
		return float64(percent), nil
	case "AverageValue":
		amount, err := quantity.Parse(c.Value)
		if err != nil {
			return 0, fmt.Errorf("value %w", err)
		}
		if amount <= 0 {
			return 0, fmt.Errorf("value %q: want more than 0", c.Value)
		}
		return amount, nil
	}
	return 0, fmt.Errorf("metricType %q: want Utilization or AverageValue beside metadata", c.Input.MetricType)
}
