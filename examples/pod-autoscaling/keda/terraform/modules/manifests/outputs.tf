output "files" {
  description = "By path: the text for this account, and the text that Furl comes with."
  value = { for name in keys(local.party) :
    "${var.folder}/${name}" => { written = local.texts.written[name], left = local.texts.left[name] }
  }
}

output "gpu" {
  description = "Node for one pod, the most pods, and the vCPUs of quota for them."
  value = {
    instance_type = local.fitting[0].instance_type
    most_pods     = local.scaler.spec.maxReplicaCount
    quota_vcpus   = local.fitting[0].vcpus * local.scaler.spec.maxReplicaCount
  }

  precondition {
    condition     = length(local.fitting) > 0
    error_message = "No g6e with one GPU holds a pod that asks for ${local.pod_cpu} CPUs and ${local.pod_memory} GiB."
  }
}
