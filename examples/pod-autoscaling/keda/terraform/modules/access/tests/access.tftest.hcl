variables {
  name          = "furl"
  partition     = "aws"
  account       = "111122223333"
  region        = "us-west-2"
  identity      = "irsa"
  cluster       = "arn:aws:eks:us-west-2:111122223333:cluster/furl"
  oidc_provider = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/ABC"
  operators     = ["keda:keda-sa", "keda:keda-operator"]
  readers       = ["keda:sqs-reader-sa", "vllm:sqs-reader-sa"]
}

run "names_the_queue_as_the_walkthrough_does" {
  command = plan

  assert {
    condition     = output.queue_name == "furl-keda" && output.queue_arn == "arn:aws:sqs:us-west-2:111122223333:furl-keda"
    error_message = "the queue is ${output.queue_arn}"
  }
}

run "lets_the_operator_count_messages_of_that_queue_and_nothing_else" {
  command = plan

  assert {
    condition = jsondecode(output.operator.policy) == {
      Version   = "2012-10-17"
      Statement = [{ Effect = "Allow", Action = ["sqs:GetQueueAttributes"], Resource = "arn:aws:sqs:us-west-2:111122223333:furl-keda" }]
    }
    error_message = output.operator.policy
  }
}

run "limits_readers_to_that_queue" {
  command = plan

  assert {
    condition = jsondecode(output.reader.policy) == {
      Version = "2012-10-17"
      Statement = [{
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"]
        Resource = "arn:aws:sqs:us-west-2:111122223333:furl-keda"
      }]
    }
    error_message = output.reader.policy
  }
}

run "trusts_the_named_service_accounts_by_irsa" {
  command = plan

  assert {
    condition = jsondecode(output.reader.trust) == {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/ABC" }
        Action    = ["sts:AssumeRoleWithWebIdentity"]
        Condition = {
          StringEquals = {
            "oidc.eks.us-west-2.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com"
            "oidc.eks.us-west-2.amazonaws.com/id/ABC:sub" = ["system:serviceaccount:keda:sqs-reader-sa", "system:serviceaccount:vllm:sqs-reader-sa"]
          }
        }
      }]
    }
    error_message = output.reader.trust
  }
  assert {
    condition     = jsondecode(output.operator.trust).Statement[0].Condition.StringEquals["oidc.eks.us-west-2.amazonaws.com/id/ABC:sub"] == ["system:serviceaccount:keda:keda-operator", "system:serviceaccount:keda:keda-sa"]
    error_message = output.operator.trust
  }
  assert {
    condition     = output.associations == {}
    error_message = "associations beside IRSA: ${jsonencode(output.associations)}"
  }
}

run "trusts_the_named_service_accounts_by_pod_identity" {
  command = plan

  variables {
    identity      = "pod-identity"
    oidc_provider = null
  }

  assert {
    condition = jsondecode(output.reader.trust) == {
      Version = "2012-10-17"
      Statement = [for namespace in ["keda", "vllm"] : {
        Effect    = "Allow"
        Principal = { Service = "pods.eks.amazonaws.com" }
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        Condition = {
          StringEquals = {
            "aws:RequestTag/eks-cluster-arn"            = "arn:aws:eks:us-west-2:111122223333:cluster/furl"
            "aws:RequestTag/kubernetes-namespace"       = namespace
            "aws:RequestTag/kubernetes-service-account" = "sqs-reader-sa"
          }
        }
      }]
    }
    error_message = output.reader.trust
  }
  assert {
    condition = output.associations == {
      "keda/keda-operator" = { role = "furl-keda-operator", namespace = "keda", service_account = "keda-operator" }
      "keda/keda-sa"       = { role = "furl-keda-operator", namespace = "keda", service_account = "keda-sa" }
      "keda/sqs-reader-sa" = { role = "furl-sqs-reader", namespace = "keda", service_account = "sqs-reader-sa" }
      "vllm/sqs-reader-sa" = { role = "furl-sqs-reader", namespace = "vllm", service_account = "sqs-reader-sa" }
    }
    error_message = jsonencode(output.associations)
  }
}

run "sends_dead_letters_from_one_queue_to_the_other_only" {
  command = plan

  assert {
    condition     = jsondecode(output.redrive_policy) == { deadLetterTargetArn = "arn:aws:sqs:us-west-2:111122223333:furl-keda-dead-letters", maxReceiveCount = 5 }
    error_message = output.redrive_policy
  }
  assert {
    condition     = jsondecode(output.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:us-west-2:111122223333:furl-keda"] }
    error_message = output.redrive_allow_policy
  }
}

run "refuses_what_comes_without_tls" {
  command = plan

  assert {
    condition = alltrue([for arn, text in { (output.queue_arn) = output.queue_policy, "${output.queue_arn}-dead-letters" = output.dead_letter_queue_policy } :
      jsondecode(text).Statement == [{ Sid = "NothingWithoutTLS", Effect = "Deny", Principal = "*", Action = "sqs:*", Resource = arn, Condition = { Bool = { "aws:SecureTransport" = "false" } } }]
    ])
    error_message = "${output.queue_policy} ${output.dead_letter_queue_policy}"
  }
}

run "follows_the_partition" {
  command = plan

  variables {
    partition     = "aws-cn"
    region        = "cn-north-1"
    oidc_provider = "arn:aws-cn:iam::111122223333:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/ABC"
  }

  assert {
    condition     = startswith(output.queue_arn, "arn:aws-cn:sqs:cn-north-1:") && jsondecode(output.reader.trust).Statement[0].Condition.StringEquals["oidc.eks.cn-north-1.amazonaws.com.cn/id/ABC:aud"] == "sts.amazonaws.com"
    error_message = "${output.queue_arn} ${output.reader.trust}"
  }
}

run "refuses_every_service_account_of_a_namespace" {
  command = plan
  variables { readers = ["vllm:*"] }
  expect_failures = [var.readers]
}

run "refuses_nobody" {
  command = plan
  variables { operators = [] }
  expect_failures = [var.operators]
}

run "refuses_one_account_with_two_roles" {
  command = plan
  variables { readers = ["keda:keda-sa"] }
  expect_failures = [var.readers]
}

run "refuses_an_identity_it_does_not_know" {
  command = plan
  variables { identity = "kiam" }
  expect_failures = [var.identity]
}

run "refuses_an_issuer_for_a_provider" {
  command = plan
  variables { oidc_provider = "https://oidc.eks.us-west-2.amazonaws.com/id/ABC" }
  expect_failures = [var.oidc_provider]
}

run "refuses_an_account_that_is_none" {
  command = plan
  variables { account = "me" }
  expect_failures = [var.account]
}

run "refuses_a_name_that_no_role_could_have" {
  command = plan
  variables { name = "furl_1" }
  expect_failures = [var.name]
}
