variables {
  name      = "furl"
  vpc_cidr  = "10.0.0.0/16"
  zones     = ["us-west-2a", "us-west-2b", "us-west-2c"]
  node_pool = file("../../../nodepools/gpu-nodepool.yaml")
}

run "cuts_the_vpc_into_blocks_that_do_not_meet" {
  command = plan

  assert {
    condition     = output.private_subnets == ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"]
    error_message = "private subnets: ${jsonencode(output.private_subnets)}"
  }
  assert {
    condition     = output.public_subnets == ["10.0.192.0/24", "10.0.193.0/24", "10.0.194.0/24"]
    error_message = "public subnets: ${jsonencode(output.public_subnets)}"
  }
}

run "keeps_them_apart_in_the_smallest_vpc_with_the_most_zones" {
  command = plan

  variables {
    vpc_cidr = "10.1.0.0/20"
    zones    = ["a", "b", "c", "d", "e", "f"]
  }

  # The last private block ends at 10.1.5.255, the first public one begins above.
  assert {
    condition     = output.private_subnets[5] == "10.1.5.0/24" && output.public_subnets[0] == "10.1.12.0/28"
    error_message = "subnets: ${jsonencode([output.private_subnets, output.public_subnets])}"
  }
}

run "lets_the_node_class_find_the_private_subnets" {
  command = plan

  variables { name = "blue" }

  assert {
    condition     = output.private_subnet_tags["karpenter.sh/discovery"] == "blue"
    error_message = "private subnets are tagged ${jsonencode(output.private_subnet_tags)}"
  }
  assert {
    condition     = !contains(keys(output.public_subnet_tags), "karpenter.sh/discovery")
    error_message = "nodes would land in the public subnets: ${jsonencode(output.public_subnet_tags)}"
  }
}

run "leaves_the_node_pool_of_the_default_name_as_it_is" {
  command = plan

  assert {
    condition     = output.node_pool == var.node_pool && output.node_pool_as_shipped == var.node_pool
    error_message = "nodepools/gpu-nodepool.yaml is not that of a cluster named furl: apply would change it"
  }
}

run "writes_another_name_into_the_node_pool" {
  command = plan

  variables { name = "blue" }

  assert {
    condition = [for object in split("---\n", output.node_pool) : yamldecode(object).spec if yamldecode(object).kind == "NodeClass"] == [{
      role                       = "blue-gpu-node"
      subnetSelectorTerms        = [{ tags = { "karpenter.sh/discovery" = "blue" } }]
      securityGroupSelectorTerms = [{ tags = { "aws:eks:cluster-name" = "blue" } }]
    }]
    error_message = output.node_pool
  }
  assert {
    condition     = output.node_pool_as_shipped == var.node_pool
    error_message = "destroy would not put the file back"
  }
}

run "leaves_the_pool_the_walkthrough_describes" {
  command = plan

  assert {
    condition = [for object in split("---\n", output.node_pool) : yamldecode(object).spec if yamldecode(object).kind == "NodePool"] == [{
      template = {
        spec = {
          nodeClassRef = { group = "eks.amazonaws.com", kind = "NodeClass", name = "gpu-nodeclass" }
          requirements = [
            { key = "eks.amazonaws.com/instance-family", operator = "In", values = ["g5", "g6", "g6e", "p5", "p5e"] },
            { key = "karpenter.sh/capacity-type", operator = "In", values = ["spot", "on-demand"] },
          ]
          taints = [{ key = "nvidia.com/gpu", value = "true", effect = "NoSchedule" }]
        }
      }
      limits     = { cpu = 1000 }
      disruption = { consolidationPolicy = "WhenEmptyOrUnderutilized", consolidateAfter = "60s", budgets = [{ nodes = "10%" }] }
    }]
    error_message = output.node_pool
  }
}

run "names_the_role_that_the_node_pool_names" {
  command = plan

  assert {
    condition     = strcontains(var.node_pool, "role: ${output.gpu_node_role}\n")
    error_message = "the role is ${output.gpu_node_role}"
  }
}

run "lets_only_ec2_be_a_node" {
  command = plan

  assert {
    condition     = jsondecode(output.node_trust).Statement == [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = ["sts:AssumeRole", "sts:TagSession"] }]
    error_message = output.node_trust
  }
}

run "tags_everything_over_what_the_user_says" {
  command = plan

  variables { tags = { Team = "models", ManagedBy = "hand" } }

  assert {
    condition     = output.tags == tomap({ Team = "models", Project = "furl", ManagedBy = "terraform" })
    error_message = jsonencode(output.tags)
  }
}

run "refuses_a_name_that_no_role_could_have" {
  command = plan
  variables { name = "Furl_1" }
  expect_failures = [var.name]
}

run "refuses_a_vpc_too_small_for_pods" {
  command = plan
  variables { vpc_cidr = "10.0.0.0/24" }
  expect_failures = [var.vpc_cidr]
}

run "refuses_text_that_is_no_block_of_addresses" {
  command = plan
  variables { vpc_cidr = "ten" }
  expect_failures = [var.vpc_cidr]
}

run "refuses_one_zone" {
  command = plan
  variables { zones = ["us-west-2a"] }
  expect_failures = [var.zones]
}
