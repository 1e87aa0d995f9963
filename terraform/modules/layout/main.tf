# What the cluster's names, addresses and documents are, without asking AWS.

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
