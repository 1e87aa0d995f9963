data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_eks_cluster" "this" {
  name = coalesce(var.cluster_name, var.name)
}

# Fails where the cluster has none: roles that nobody can take would be worse.
data "aws_iam_openid_connect_provider" "cluster" {
  count = var.identity == "irsa" ? 1 : 0

  url = data.aws_eks_cluster.this.identity[0].oidc[0].issuer
}

# Every name and document, worked out without AWS and tested so.
module "access" {
  source = "./modules/access"

  name          = var.name
  tags          = var.tags
  partition     = data.aws_partition.current.partition
  account       = data.aws_caller_identity.current.account_id
  region        = var.region
  identity      = var.identity
  cluster       = data.aws_eks_cluster.this.arn
  oidc_provider = one(data.aws_iam_openid_connect_provider.cluster[*].arn)
  operators     = var.operators
  readers       = var.readers
}
