# Who may do what with the queue: every name and document, without asking AWS.

terraform {
  required_version = ">= 1.11"
}

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

locals {
  queue        = "${var.name}-keda"
  dead_letters = "${var.name}-keda-dead-letters"
  arns = { for queue in [local.queue, local.dead_letters] :
    queue => "arn:${var.partition}:sqs:${var.region}:${var.account}:${queue}"
  }

  # By who: the actions, each with the call that needs it, and the accounts.
  parties = {
    operator = {
      role     = "${var.name}-keda-operator"
      accounts = var.operators
      actions = [
        "sqs:GetQueueAttributes", # the trigger counts messages, and nothing else
      ]
    }
    reader = {
      role     = "${var.name}-sqs-reader"
      accounts = var.readers
      actions = [
        "sqs:ChangeMessageVisibility", # hides a message as long as its prompt runs, gives it back early
        "sqs:DeleteMessage",           # once it is answered
        "sqs:GetQueueAttributes",      # asks whether the queue has a redrive policy
        "sqs:ReceiveMessage",
        "sqs:SendMessage", # the prompt generator
      ]
    }
  }

  # What IAM calls the provider in conditions: its address without https://.
  issuer = var.oidc_provider == null ? "" : split(":oidc-provider/", var.oidc_provider)[1]

  # One statement a service account: with lists of namespaces and of names in one,
  # either name would do in either namespace.
  pod_identity_statements = { for party, p in local.parties : party => [
    for account in sort(p.accounts) : {
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:RequestTag/eks-cluster-arn"            = var.cluster
          "aws:RequestTag/kubernetes-namespace"       = split(":", account)[0]
          "aws:RequestTag/kubernetes-service-account" = split(":", account)[1]
        }
      }
    }
  ] }

  irsa_statements = { for party, p in local.parties : party => [{
    Effect    = "Allow"
    Principal = { Federated = var.oidc_provider }
    Action    = ["sts:AssumeRoleWithWebIdentity"]
    Condition = {
      StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = [for account in sort(p.accounts) : "system:serviceaccount:${account}"]
      }
    }
  }] }

  documents = { for party, p in local.parties : party => {
    role = p.role
    # Two branches of one text each, since their statements have no type in common.
    trust = (var.identity == "irsa"
      ? jsonencode({ Version = "2012-10-17", Statement = local.irsa_statements[party] })
    : jsonencode({ Version = "2012-10-17", Statement = local.pod_identity_statements[party] }))
    policy = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = p.actions, Resource = local.arns[local.queue] }]
    })
  } }

  queue_policies = { for queue, arn in local.arns : queue => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NothingWithoutTLS"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  }) }
}

output "tags" {
  description = "Tags of everything."
  value       = tomap(merge(var.tags, { Project = var.name, ManagedBy = "terraform" }))
}

output "queue_name" {
  description = "Name of the queue."
  value       = local.queue
}

output "dead_letter_queue_name" {
  description = "Name of the queue for what is never answered."
  value       = local.dead_letters
}

output "queue_arn" {
  description = "ARN of the queue."
  value       = local.arns[local.queue]
}

output "queue_policy" {
  description = "Refuses what comes without TLS, and allows nobody anything."
  value       = local.queue_policies[local.queue]
}

output "dead_letter_queue_policy" {
  description = "The same for the dead letters."
  value       = local.queue_policies[local.dead_letters]
}

output "redrive_policy" {
  description = "Where a message goes that was received too often."
  # Five: once for the prompt and four more, since pods on spot nodes do go.
  value = jsonencode({ deadLetterTargetArn = local.arns[local.dead_letters], maxReceiveCount = 5 })
}

output "redrive_allow_policy" {
  description = "Whose dead letters the other queue takes: the first one's."
  value       = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local.arns[local.queue]] })
}

output "operator" {
  description = "Role, trust and policy of who reads the queue's length."
  value       = local.documents.operator
}

output "reader" {
  description = "Role, trust and policy of who uses its messages."
  value       = local.documents.reader
}

output "associations" {
  description = "Which service account has which role by EKS Pod Identity; none with IRSA."
  value = { for pair in flatten([for p in local.parties : [
    for account in p.accounts : { role = p.role, namespace = split(":", account)[0], service_account = split(":", account)[1] }
    ]]) : "${pair.namespace}/${pair.service_account}" => pair if var.identity == "pod-identity"
  }
}
