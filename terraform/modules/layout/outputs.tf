output "tags" {
  description = "Tags of everything."
  value       = tomap(merge(var.tags, { Project = var.name, ManagedBy = "terraform" }))
}

output "zones" {
  description = "Names of the availability zones."
  value       = var.zones
}

output "private_subnets" {
  description = "Addresses of nodes and pods, a block a zone."
  value       = local.private_subnets
}

output "public_subnets" {
  description = "Addresses of load balancers and NAT gateways, a block a zone."
  value       = local.public_subnets
}

output "private_subnet_tags" {
  description = "How the NodeClass, and a load balancer for inside, find the private subnets."
  value       = { "karpenter.sh/discovery" = var.name, "kubernetes.io/role/internal-elb" = "1" }
}

output "public_subnet_tags" {
  description = "How a load balancer finds the public subnets."
  value       = { "kubernetes.io/role/elb" = "1" }
}

output "gpu_node_role" {
  description = "Name of the role of GPU nodes."
  value       = "${var.name}-gpu-node"
}

output "node_trust" {
  description = "Who may take the role of a node: EC2."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })
}

output "node_policies" {
  description = "AWS's policies for a node of Auto Mode: join the cluster, pull images, and nothing else."
  value       = toset(["AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly"])
}

output "node_pool" {
  description = "gpu-nodepool.yaml for this cluster."
  value       = local.node_pools[var.name]
}

output "node_pool_as_shipped" {
  description = "gpu-nodepool.yaml as it comes with Furl."
  value       = local.node_pools[local.shipped_name]
}
