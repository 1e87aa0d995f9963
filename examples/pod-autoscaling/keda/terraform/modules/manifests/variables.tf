variable "folder" {
  description = "Where the manifests are."
  type        = string
}

variable "queue_url" {
  description = "URL of the queue."
  type        = string
}

variable "region" {
  description = "Region of the queue."
  type        = string
}

variable "identity" {
  description = "irsa: service accounts are annotated with their role. pod-identity: they are not, since the SDKs would try that first."
  type        = string
}

variable "operator" {
  description = "ARN of the role that reads the queue's length."
  type        = string
}

variable "reader" {
  description = "ARN of the role that uses its messages."
  type        = string
}
