variables {
  folder    = "../../.."
  queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/blue-keda"
  region    = "eu-west-1"
  identity  = "irsa"
  operator  = "arn:aws:iam::111122223333:role/blue-keda-operator"
  reader    = "arn:aws:iam::111122223333:role/blue-sqs-reader"
}

run "leaves_what_furl_comes_with" {
  command = plan

  assert {
    condition     = alltrue([for path, texts in output.files : texts.left == file(path)])
    error_message = "destroy would change ${jsonencode([for path, texts in output.files : path if texts.left != file(path)])}"
  }
}

run "writes_the_queue_and_the_region_into_the_scaled_object" {
  command = plan

  assert {
    condition = yamldecode(output.files["../../../scaledObject.yaml"].written).spec.triggers == [{
      type = "aws-sqs-queue"
      metadata = {
        queueURL      = "https://sqs.eu-west-1.amazonaws.com/111122223333/blue-keda"
        queueLength   = "5"
        awsRegion     = "eu-west-1"
        identityOwner = "operator"
      }
    }]
    error_message = output.files["../../../scaledObject.yaml"].written
  }
}

run "writes_them_into_the_generator" {
  command = plan

  assert {
    condition = slice(yamldecode(output.files["../../../prompt-generator-job.yaml"].written).spec.template.spec.containers[0].env, 0, 2) == [
      { name = "SQS_QUEUE_URL", value = "https://sqs.eu-west-1.amazonaws.com/111122223333/blue-keda" },
      { name = "AWS_REGION", value = "eu-west-1" },
    ]
    error_message = output.files["../../../prompt-generator-job.yaml"].written
  }
}

run "writes_them_into_the_worker" {
  command = plan

  assert {
    condition = slice(yamldecode(split("\n---\n", output.files["../../../vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml"].written)[0]).spec.template.spec.containers[1].env, 0, 2) == [
      { name = "SQS_QUEUE_URL", value = "https://sqs.eu-west-1.amazonaws.com/111122223333/blue-keda" },
      { name = "AWS_REGION", value = "eu-west-1" },
    ]
    error_message = output.files["../../../vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml"].written
  }
}

run "annotates_each_service_account_with_its_role" {
  command = plan

  assert {
    condition     = yamldecode(output.files["../../../keda-service-account.yaml"].written).metadata.annotations == { "eks.amazonaws.com/role-arn" = var.operator }
    error_message = output.files["../../../keda-service-account.yaml"].written
  }
  assert {
    condition     = [for object in split("\n---\n", output.files["../../../sqs-reader-service-account.yaml"].written) : yamldecode(object).metadata.annotations] == [{ "eks.amazonaws.com/role-arn" = var.reader }, { "eks.amazonaws.com/role-arn" = var.reader }]
    error_message = output.files["../../../sqs-reader-service-account.yaml"].written
  }
  assert {
    condition = yamldecode(output.files["../../../keda-helm-values.yaml"].written).serviceAccount.operator == {
      create = false, name = "keda-sa", annotations = { "eks.amazonaws.com/role-arn" = var.operator }
    }
    error_message = output.files["../../../keda-helm-values.yaml"].written
  }
}

run "annotates_none_with_pod_identity" {
  command = plan

  variables { identity = "pod-identity" }

  assert {
    condition     = alltrue([for object in split("\n---\n", output.files["../../../sqs-reader-service-account.yaml"].written) : yamldecode(object).metadata.annotations == {}])
    error_message = output.files["../../../sqs-reader-service-account.yaml"].written
  }
  assert {
    condition     = yamldecode(output.files["../../../keda-service-account.yaml"].written).metadata.annotations == {} && yamldecode(output.files["../../../keda-helm-values.yaml"].written).serviceAccount.operator.annotations == {}
    error_message = output.files["../../../keda-service-account.yaml"].written
  }
}

# The numbers of the node are the manifest's: 3.7 CPUs fit 4, but 29.25 GiB do not
# fit what a node of 32 leaves.
run "says_what_quota_the_model_needs" {
  command = plan

  assert {
    condition     = output.gpu == { instance_type = "g6e.2xlarge", most_pods = 10, quota_vcpus = 80 }
    error_message = jsonencode(output.gpu)
  }
}
