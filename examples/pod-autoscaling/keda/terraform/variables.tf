variable "name" {
  description = "What every name begins with: the queue is <name>-keda. Roles are known to the whole account, so a second copy needs another name."
  type        = string
  default     = "furl"
}

variable "cluster_name" {
  description = "The EKS cluster whose pods use the queue; null for one that is called as name says, as ../../../../terraform makes it."
  type        = string
  default     = null
}

variable "region" {
  description = "AWS region of the cluster and the queue."
  type        = string
  default     = "us-west-2"
}

variable "identity" {
  description = "How pods take their roles: irsa (an annotation on the service account, any EKS cluster with an OIDC provider) or pod-identity (EKS Pod Identity; Auto Mode has its agent, other clusters need the add-on)."
  type        = string
  default     = "irsa"
}

variable "operators" {
  description = "Service accounts that read the length of the queue, as namespace:name."
  type        = set(string)
  default     = ["keda:keda-sa", "keda:keda-operator"]
}

variable "readers" {
  description = "Service accounts that use its messages, as namespace:name."
  type        = set(string)
  default     = ["keda:sqs-reader-sa", "vllm:sqs-reader-sa"]
}

variable "tags" {
  description = "Tags for everything, beside Project and ManagedBy."
  type        = map(string)
  default     = {}
}
