module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "21.19.0"

  name                = var.name
  kubernetes_version  = var.kubernetes_version
  deletion_protection = var.deletion_protection

  vpc_id     = module.vpc.vpc_id
  subnet_ids = module.vpc.private_subnets

  # Auto Mode makes the nodes. It needs one pool of its own, which runs whatever
  # asks for no GPU; nodepools/gpu-nodepool.yaml is the other one.
  compute_config = {
    enabled    = true
    node_pools = ["general-purpose"]
  }

  # Nodes reach the API inside the VPC whatever becomes of the public endpoint.
  endpoint_private_access      = true
  endpoint_public_access       = length(var.api_access_cidrs) > 0
  endpoint_public_access_cidrs = var.api_access_cidrs

  # Who applies this may use the cluster; others get access entries, never aws-auth.
  authentication_mode                      = "API"
  enable_cluster_creator_admin_permissions = true
  enable_irsa                              = true

  # EKS encrypts all that the API stores with a key of its own. A key of ours
  # would outlive `terraform destroy` by its waiting period.
  create_kms_key    = false
  encryption_config = null

  # EKS makes the one security group that Auto Mode uses; these are for node
  # groups, which there are none of.
  create_security_group      = false
  create_node_security_group = false

  # The group is made here, so that `terraform destroy` finds it.
  enabled_log_types                      = var.control_plane_logs
  create_cloudwatch_log_group            = length(var.control_plane_logs) > 0
  cloudwatch_log_group_retention_in_days = 7

  # Extended support begins by itself otherwise, at six times the price.
  upgrade_policy = { support_type = "STANDARD" }

  # Our NodeClass sets no tags of its own, so the cluster needs no right to.
  enable_auto_mode_custom_tags = false

  node_iam_role_use_name_prefix = false
  iam_role_use_name_prefix      = false
}

# The role of nodes that the NodeClass gpu-nodeclass makes. One of its own, so
# that what a GPU node may do can change without touching the others.
resource "aws_iam_role" "gpu_node" {
  name                  = module.layout.gpu_node_role
  description           = "GPU nodes of the EKS cluster ${var.name}: join it and pull images."
  assume_role_policy    = module.layout.node_trust
  force_detach_policies = true
}

resource "aws_iam_role_policy_attachment" "gpu_node" {
  for_each = module.layout.node_policies

  role       = aws_iam_role.gpu_node.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/${each.value}"
}

# EKS knows the roles of its own pools; one of ours has to be let in.
resource "aws_eks_access_entry" "gpu_node" {
  cluster_name  = module.eks.cluster_name
  principal_arn = aws_iam_role.gpu_node.arn
  type          = "EC2"
}

resource "aws_eks_access_policy_association" "gpu_node" {
  cluster_name  = module.eks.cluster_name
  principal_arn = aws_eks_access_entry.gpu_node.principal_arn
  policy_arn    = "arn:${data.aws_partition.current.partition}:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy"

  access_scope {
    type = "cluster"
  }
}

# The NodePool's file is good as it is for a cluster named furl.
module "node_pool_file" {
  source = "./modules/files"

  files = {
    "${path.module}/../nodepools/gpu-nodepool.yaml" = {
      written = module.layout.node_pool
      left    = module.layout.node_pool_as_shipped
    }
  }
}
