output "sqs_url" {
  description = "URL of the queue: QUEUE_URL=$(terraform output -raw sqs_url)"
  value       = aws_sqs_queue.prompts.url
}

output "dead_letters_url" {
  description = "URL of the queue of what was never answered."
  value       = aws_sqs_queue.dead_letters.url
}

output "operator_role_arn" {
  description = "Role that reads the queue's length."
  value       = aws_iam_role.operator.arn
}

output "reader_role_arn" {
  description = "Role that uses its messages."
  value       = aws_iam_role.reader.arn
}

output "gpu" {
  description = "The node that one pod of the model fits on, and the vCPUs that the EC2 quota \"Running On-Demand G and VT instances\" must allow for as many as scaledObject.yaml allows. Spot has a quota of its own."
  value       = module.manifests.gpu
}
