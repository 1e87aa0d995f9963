package v1alpha1

import (
	"fmt"
	"time"
)

// What is meant where an object says nothing, as KEDA has it.
const (
	DefaultPollingInterval = 30 * time.Second
	DefaultCooldownPeriod  = 5 * time.Minute
	DefaultMaxReplicas     = 100
)

// MinReplicas returns the least number of replicas while a trigger is active or none has to be.
func (o *ScaledObject) MinReplicas() int32 { return valueOr(o.Spec.MinReplicaCount, 0) }

// MaxReplicas returns the greatest number of replicas.
func (o *ScaledObject) MaxReplicas() int32 {
	return valueOr(o.Spec.MaxReplicaCount, DefaultMaxReplicas)
}

// HPAMinReplicas returns the least number of replicas while the object is active: never zero.
func (o *ScaledObject) HPAMinReplicas() int32 { return max(1, o.MinReplicas()) }

// PollingInterval returns the time between two reads of a trigger.
func (o *ScaledObject) PollingInterval() time.Duration {
	return secondsOr(o.Spec.PollingInterval, DefaultPollingInterval)
}

// CooldownPeriod returns how long nothing has to be active before the workload goes to zero or idle.
func (o *ScaledObject) CooldownPeriod() time.Duration {
	return secondsOr(o.Spec.CooldownPeriod, DefaultCooldownPeriod)
}

// InitialCooldownPeriod returns how long after its creation an object that was never active stays up.
func (o *ScaledObject) InitialCooldownPeriod() time.Duration {
	return secondsOr(o.Spec.InitialCooldownPeriod, 0)
}

// ValidateReplicas reports bounds that contradict each other.
//
// An idleReplicaCount of 0 beside an explicit minReplicaCount of 0 is accepted,
// because an active object has one replica at least; beside none it is not.
func (o *ScaledObject) ValidateReplicas() error {
	least := int32(0)
	if o.Spec.MinReplicaCount != nil {
		least = o.HPAMinReplicas()
	}
	if least > o.MaxReplicas() {
		return fmt.Errorf("minReplicaCount %d is above maxReplicaCount %d: lower the one or raise the other", least, o.MaxReplicas())
	}
	if idle := o.Spec.IdleReplicaCount; idle != nil && *idle >= least {
		return fmt.Errorf("idleReplicaCount %d is not below minReplicaCount %d: lower it or raise minReplicaCount", *idle, least)
	}
	return nil
}

// MinReplicas returns the least number of running Jobs.
func (j *ScaledJob) MinReplicas() int64 {
	least := int64(valueOr(j.Spec.MinReplicaCount, 0))
	if most := j.Spec.MaxReplicaCount; most != nil {
		return min(least, int64(*most))
	}
	return least
}

// MaxReplicas returns how many Jobs may run beyond the least number: the
// difference of the bounds, but maxReplicaCount where minReplicaCount is above
// it, and 100 where maxReplicaCount is unset. So KEDA counts.
func (j *ScaledJob) MaxReplicas() int64 {
	if j.Spec.MaxReplicaCount == nil {
		return DefaultMaxReplicas
	}
	most := int64(*j.Spec.MaxReplicaCount)
	if int64(valueOr(j.Spec.MinReplicaCount, 0)) > most {
		return most
	}
	return most - j.MinReplicas()
}

// PollingInterval returns the time between two reads of a trigger.
func (j *ScaledJob) PollingInterval() time.Duration {
	return secondsOr(j.Spec.PollingInterval, DefaultPollingInterval)
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func secondsOr(s *int32, otherwise time.Duration) time.Duration {
	if s == nil {
		return otherwise
	}
	return time.Duration(*s) * time.Second
}
