# Who may do what with the queue: every name and document, without asking AWS.

locals {
  queue        = "${var.name}-keda"
  dead_letters = "${var.name}-keda-dead-letters"
  arns = { for queue in [local.queue, local.dead_letters] :
    queue => "arn:${var.partition}:sqs:${var.region}:${var.account}:${queue}"
  }

  # By who: the actions, each with the call that needs it, and the accounts.
  parties = {
    operator = {
      role     = "${var.name}-keda-operator"
      accounts = var.operators
      actions = [
        "sqs:GetQueueAttributes", # the trigger counts messages, and nothing else
      ]
    }
    reader = {
      role     = "${var.name}-sqs-reader"
      accounts = var.readers
      actions = [
        "sqs:ChangeMessageVisibility", # hides a message as long as its prompt runs, gives it back early
        "sqs:DeleteMessage",           # once it is answered
        "sqs:GetQueueAttributes",      # asks whether the queue has a redrive policy
        "sqs:ReceiveMessage",
        "sqs:SendMessage", # the prompt generator
      ]
    }
  }

  # What IAM calls the provider in conditions: its address without https://.
  issuer = var.oidc_provider == null ? "" : split(":oidc-provider/", var.oidc_provider)[1]

  # One statement a service account: with lists of namespaces and of names in one,
  # either name would do in either namespace.
  pod_identity_statements = { for party, p in local.parties : party => [
    for account in sort(p.accounts) : {
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = {
        StringEquals = {
          "aws:RequestTag/eks-cluster-arn"            = var.cluster
          "aws:RequestTag/kubernetes-namespace"       = split(":", account)[0]
          "aws:RequestTag/kubernetes-service-account" = split(":", account)[1]
        }
      }
    }
  ] }

  irsa_statements = { for party, p in local.parties : party => [{
    Effect    = "Allow"
    Principal = { Federated = var.oidc_provider }
    Action    = ["sts:AssumeRoleWithWebIdentity"]
    Condition = {
      StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        "${local.issuer}:sub" = [for account in sort(p.accounts) : "system:serviceaccount:${account}"]
      }
    }
  }] }

  documents = { for party, p in local.parties : party => {
    role = p.role
    # Two branches of one text each, since their statements have no type in common.
    trust = (var.identity == "irsa"
      ? jsonencode({ Version = "2012-10-17", Statement = local.irsa_statements[party] })
    : jsonencode({ Version = "2012-10-17", Statement = local.pod_identity_statements[party] }))
    policy = jsonencode({
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = p.actions, Resource = local.arns[local.queue] }]
    })
  } }

  queue_policies = { for queue, arn in local.arns : queue => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "NothingWithoutTLS"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  }) }
}
