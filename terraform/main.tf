data "aws_partition" "current" {}

data "aws_availability_zones" "available" {
  state = "available"

  # Local zones have no control plane of EKS.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

# Every name and address, worked out without AWS and tested so.
module "layout" {
  source = "./modules/layout"

  name      = var.name
  tags      = var.tags
  vpc_cidr  = var.vpc_cidr
  zones     = slice(data.aws_availability_zones.available.names, 0, var.zones)
  node_pool = file("${path.module}/../nodepools/gpu-nodepool.yaml")
}
