# What the cluster's names, addresses and documents are, without asking AWS.

terraform {
  required_version = ">= 1.11"
}

variable "name" {
  description = "Name of the cluster."
  type        = string

  validation {
    # A role's name has 64 characters at most, and the longest suffix of ours is "-gpu-node".
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 40 lower case letters, digits and dashes, and begin with a letter, such as furl."
  }
}

variable "tags" {
  description = "Tags beside our own."
  type        = map(string)
  default     = {}
}

variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.vpc_cidr)[1]), 99) <= 20
    error_message = "vpc_cidr must be an IPv4 block of /16 to /20, such as 10.0.0.0/16: AWS takes no larger one, and pods need more than a smaller one has."
  }
}

variable "zones" {
  description = "Names of the availability zones."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 6
    error_message = "zones must be 2 to 6: EKS wants subnets in two zones at least, and the VPC is cut for six."
  }
}

variable "node_pool" {
  description = "The text of nodepools/gpu-nodepool.yaml, whatever names stand in it."
  type        = string
}

locals {
  shipped_name = "furl"

  # Sixteenths of the VPC for nodes and pods from its beginning, 256ths for load
  # balancers and NAT gateways from its last quarter: they cannot meet.
  private_subnets = [for i, zone in var.zones : cidrsubnet(var.vpc_cidr, 4, i)]
  public_subnets  = [for i, zone in var.zones : cidrsubnet(var.vpc_cidr, 8, 192 + i)]

  # The file as it is for the cluster of either name; each replacement is of
  # whatever stands there, so that a second apply finds nothing to do.
  node_pools = {
    for name in distinct([local.shipped_name, var.name]) : name => replace(replace(replace(var.node_pool,
      "/(\\n  role: ).*/", "$${1}${name}-gpu-node"),
      "/(karpenter.sh/discovery: ).*/", "$${1}${name}"),
    "/(aws:eks:cluster-name: ).*/", "$${1}${name}")
  }
}

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
