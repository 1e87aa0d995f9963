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
