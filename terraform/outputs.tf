output "configure_kubectl" {
  description = "The command that lets kubectl reach the cluster: $(terraform output -raw configure_kubectl)"
  value       = "aws eks update-kubeconfig --region ${var.region} --name ${module.eks.cluster_name}"
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = module.eks.cluster_name
}

output "region" {
  description = "Region of the cluster."
  value       = var.region
}

output "oidc_provider_arn" {
  description = "ARN of the identity provider by which service accounts take roles (IRSA)."
  value       = module.eks.oidc_provider_arn
}

output "node_iam_role_name" {
  description = "Role of the GPU nodes, as nodepools/gpu-nodepool.yaml names it."
  value       = aws_iam_role.gpu_node.name
}

output "vpc_id" {
  description = "The VPC."
  value       = module.vpc.vpc_id
}
