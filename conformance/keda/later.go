package keda

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/furl-dev/furl/triggers/all"
)

// Later is what a record waits for. It is decided by a property of the record,
// never by its name.
type Later struct{ Reason string }

func (l Later) String() string { return l.Reason }

// What there is to wait for.
const (
	jobs = "nothing runs ScaledJobs yet"
)

// later says what a record waits for; its zero value: nothing.
func later(r Record) Later {
	switch kind, what, _ := strings.Cut(strings.TrimPrefix(r.Category, "extra/"), "/"); kind {
	case "scaledjob_executor", "scaledjob_metrics":
		return Later{Reason: jobs}
	case "resolver":
		return laterSource(r)
	case "trigger_parse", "metric_names":
		return laterTrigger(r)
	case "trigger_functions":
		return laterFunction(r, what)
	}
	return Later{}
}

// laterSource is about an authentication whose source is refused as not
// supported yet, where KEDA was not refused by the source.
func laterSource(r Record) Later {
	var in struct {
		Reads []struct {
			Object struct {
				Spec map[string]json.RawMessage `json:"spec"`
			} `json:"object"`
		} `json:"api_reads"`
	}
	var exp struct {
		Error *string `json:"error"`
	}
	if json.Unmarshal(r.Input, &in) != nil || json.Unmarshal(r.Expected, &exp) != nil || exp.Error != nil {
		return Later{}
	}
	for _, a := range in.Reads {
		for _, source := range []string{
			"hashiCorpVault", "azureKeyVault", "gcpSecretManager", "awsSecretManager", "boundServiceAccountToken", "oauth2", "azureServicePrincipal",
		} {
			if _, given := a.Object.Spec[source]; given {
				return Later{Reason: source + " of a TriggerAuthentication is not supported yet"}
			}
		}
	}
	return Later{}
}

func laterTrigger(r Record) Later {
	var in configured
	if json.Unmarshal(r.Input, &in) != nil {
		return Later{} // replaying it says what is wrong
	}
	if _, built := in.kind(); built {
		return Later{}
	}
	return notBuilt(in.Type)
}

func notBuilt(kind string) Later {
	return Later{Reason: fmt.Sprintf("trigger %s is not built yet", kind)}
}

// laterFunction is about functions of triggers that are not built yet, and
// those that have no counterpart.
func laterFunction(r Record, function string) Later {
	switch function {
	case "NormalizeString", "GenerateMetricNameWithIndex", "RemoveIndexFromMetricName": // of all triggers
		return Later{}
	case "util_GetValueByPath":
		return Later{Reason: "only triggers that are not built yet use it"}
	case "util_GetWatchNamespaces":
		return Later{Reason: "watching some namespaces only comes later"}
	case "processQueueLengthFromSqsQueueAttributesOutput":
		return Later{Reason: "the record does not say what the queue answered"}
	}
	var in called
	if json.Unmarshal(r.Input, &in) != nil {
		return Later{}
	}
	_, built := all.Find(in.kind())
	if built || in.File == "scaler" || in.File == "util" {
		return Later{}
	}
	return notBuilt(in.kind())
}
