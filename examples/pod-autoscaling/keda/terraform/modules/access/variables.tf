variable "name" {
  description = "What every name begins with."
  type        = string

  validation {
    # A role's name has 64 characters at most, and the longest suffix of ours is "-keda-operator".
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 40 lower case letters, digits and dashes, and begin with a letter, such as furl."
  }
}

variable "tags" {
  description = "Tags beside our own."
  type        = map(string)
  default     = {}
}

variable "partition" {
  description = "aws, aws-cn or aws-us-gov."
  type        = string
}

variable "account" {
  description = "Number of the account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account))
    error_message = "account must be the 12 digits of an AWS account."
  }
}

variable "region" {
  description = "Region of the queue."
  type        = string
}

variable "identity" {
  description = "irsa or pod-identity."
  type        = string

  validation {
    condition     = contains(["irsa", "pod-identity"], var.identity)
    error_message = "identity must be irsa or pod-identity."
  }
}

variable "cluster" {
  description = "ARN of the EKS cluster."
  type        = string
}

variable "oidc_provider" {
  description = "ARN of the cluster's OIDC provider; null with EKS Pod Identity, which asks for none."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:oidc-provider/.", var.oidc_provider)) || var.identity == "pod-identity"
    error_message = "oidc_provider must be the ARN of an IAM OIDC provider, as `aws iam list-open-id-connect-providers` prints it."
  }
}

variable "operators" {
  description = "Service accounts that read the queue's length, as namespace:name."
  type        = set(string)

  validation {
    condition     = length(var.operators) > 0 && alltrue([for account in var.operators : can(regex("^[a-z0-9-]+:[a-z0-9.-]+$", account))])
    error_message = "operators must be one or more namespace:name, without wildcards, such as keda:keda-sa."
  }
}

variable "readers" {
  description = "Service accounts that use its messages, as namespace:name."
  type        = set(string)

  validation {
    condition     = length(var.readers) > 0 && alltrue([for account in var.readers : can(regex("^[a-z0-9-]+:[a-z0-9.-]+$", account))])
    error_message = "readers must be one or more namespace:name, without wildcards, such as vllm:sqs-reader-sa."
  }
  validation {
    condition     = length(setintersection(var.readers, var.operators)) == 0
    error_message = "No service account may be both a reader and an operator: a pod has one role."
  }
}
