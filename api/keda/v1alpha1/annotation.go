package v1alpha1

// Annotations, labels and the finalizer that KEDA's users know.
const (
	// AnnotationPaused freezes the size while it is set to anything but false.
	AnnotationPaused = "autoscaling.keda.sh/paused"
	// AnnotationPausedReplicas scales to its value and freezes the size there.
	AnnotationPausedReplicas = "autoscaling.keda.sh/paused-replicas"
	// AnnotationPausedScaleIn keeps the size from shrinking.
	AnnotationPausedScaleIn = "autoscaling.keda.sh/paused-scale-in"
	// AnnotationPausedScaleOut keeps the size from growing.
	AnnotationPausedScaleOut = "autoscaling.keda.sh/paused-scale-out"
	// AnnotationForceActivation makes the object active whatever its triggers say.
	AnnotationForceActivation = "autoscaling.keda.sh/force-activation"
	// AnnotationTransferHPA lets a ScaledObject take over the HorizontalPodAutoscaler that it names.
	AnnotationTransferHPA = "scaledobject.keda.sh/transfer-hpa-ownership"
	// AnnotationHPAExcludedLabels lists the labels that the HorizontalPodAutoscaler does not get.
	AnnotationHPAExcludedLabels = "scaledobject.keda.sh/hpa-excluded-labels"
	// AnnotationHPAOwnership set to false on a HorizontalPodAutoscaler lets a ScaledObject share its workload.
	AnnotationHPAOwnership = "validations.keda.sh/hpa-ownership"
	// AnnotationJobExcludedLabels lists the labels that a ScaledJob's Jobs do not get.
	AnnotationJobExcludedLabels = "scaledjob.keda.sh/job-excluded-labels"
	// AnnotationJobGeneration is the generation of the ScaledJob that a Job was started by.
	AnnotationJobGeneration = "scaledjob.keda.sh/generation"
	// AnnotationEKSRoleARN on a service account names the AWS role of its pods.
	AnnotationEKSRoleARN = "eks.amazonaws.com/role-arn"

	// LabelScaledObject names the ScaledObject that a thing belongs to.
	LabelScaledObject = "scaledobject.keda.sh/name"
	// LabelScaledJob names the ScaledJob that a Job belongs to.
	LabelScaledJob = "scaledjob.keda.sh/name"

	// Finalizer holds an object until its operator has cleaned up.
	Finalizer = "finalizer.keda.sh"
)

// Annotations lists the annotations that users write on a ScaledObject, a
// ScaledJob or a HorizontalPodAutoscaler, or that an operator does.
func Annotations() []string {
	return []string{
		AnnotationPaused, AnnotationPausedReplicas, AnnotationPausedScaleIn, AnnotationPausedScaleOut, AnnotationForceActivation,
		AnnotationTransferHPA, AnnotationHPAExcludedLabels, AnnotationHPAOwnership, AnnotationJobExcludedLabels, AnnotationJobGeneration,
	}
}
