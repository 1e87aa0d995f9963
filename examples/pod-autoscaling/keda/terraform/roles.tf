# Inline policies, since they go with their role: destroy leaves none behind.

resource "aws_iam_role" "operator" {
  name                  = module.access.operator.role
  description           = "Furl or KEDA: reads how long ${module.access.queue_name} is."
  assume_role_policy    = module.access.operator.trust
  force_detach_policies = true
}

resource "aws_iam_role_policy" "operator" {
  name   = "queue"
  role   = aws_iam_role.operator.name
  policy = module.access.operator.policy
}

resource "aws_iam_role" "reader" {
  name                  = module.access.reader.role
  description           = "Workers and the prompt generator: use the messages of ${module.access.queue_name}."
  assume_role_policy    = module.access.reader.trust
  force_detach_policies = true
}

resource "aws_iam_role_policy" "reader" {
  name   = "queue"
  role   = aws_iam_role.reader.name
  policy = module.access.reader.policy
}

# None with IRSA, where the annotation of the service account says the role.
resource "aws_eks_pod_identity_association" "this" {
  for_each = module.access.associations

  cluster_name    = data.aws_eks_cluster.this.name
  namespace       = each.value.namespace
  service_account = each.value.service_account
  role_arn        = each.value.role == aws_iam_role.operator.name ? aws_iam_role.operator.arn : aws_iam_role.reader.arn
}
