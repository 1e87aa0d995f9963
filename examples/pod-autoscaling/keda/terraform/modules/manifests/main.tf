# The example's manifests with the queue's URL, the region and the roles in them.
#
# The files are their own templates: each replacement is of whatever stands there,
# a placeholder or the value of an earlier apply.

locals {
  # By file: whose role its service accounts take, if it has any.
  party = {
    "keda-helm-values.yaml"                       = "operator"
    "keda-service-account.yaml"                   = "operator"
    "prompt-generator-job.yaml"                   = null
    "scaledObject.yaml"                           = null
    "sqs-reader-service-account.yaml"             = "reader"
    "vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml" = null
  }

  now = {
    queue_url   = var.queue_url
    region      = var.region
    annotations = local.annotation[var.identity]
  }

  # As Furl comes: account 000000000000 is nobody's, and the lab looks at no role.
  shipped = {
    queue_url = "https://sqs.us-west-2.amazonaws.com/000000000000/furl-keda"
    region    = "us-west-2"
    annotations = {
      operator = format(local.with_role, "arn:aws:iam::000000000000:role/furl-keda-operator")
      reader   = format(local.with_role, "arn:aws:iam::000000000000:role/furl-sqs-reader")
    }
  }

  with_role = "annotations:\n$${1}eks.amazonaws.com/role-arn: %s"
  annotation = {
    irsa = {
      operator = format(local.with_role, var.operator)
      reader   = format(local.with_role, var.reader)
    }
    pod-identity = {
      operator = "annotations: {}\n$${1}# eks.amazonaws.com/role-arn: none, EKS Pod Identity knows the role"
      reader   = "annotations: {}\n$${1}# eks.amazonaws.com/role-arn: none, EKS Pod Identity knows the role"
    }
  }

  texts = { for version, values in { written = local.now, left = local.shipped } : version => {
    for name, party in local.party : name => replace(replace(replace(replace(file("${var.folder}/${name}"),
      "/https://sqs\\.[a-z0-9-]+\\.amazonaws\\.com(?:\\.cn)?/[0-9]{12}/[A-Za-z0-9_-]+/", values.queue_url),
      "/(name: AWS_REGION\\n +value: )\\S+/", "$${1}${values.region}"),
      "/(awsRegion: )\\S+/", "$${1}${values.region}"),
    "/annotations:(?: \\{\\})?\\n( +)(?:# )?eks\\.amazonaws\\.com/role-arn: .*/", party == null ? "" : values.annotations[party])
  } }
}
