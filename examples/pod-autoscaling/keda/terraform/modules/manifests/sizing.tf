# What node a pod of the model fits on, and what quota the most pods need.

locals {
  model  = yamldecode(split("\n---\n", file("${var.folder}/vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml"))[0])
  scaler = yamldecode(file("${var.folder}/scaledObject.yaml"))

  requests   = [for container in local.model.spec.template.spec.containers : container.resources.requests]
  pod_cpu    = sum([for r in local.requests : endswith(r.cpu, "m") ? tonumber(trimsuffix(r.cpu, "m")) / 1000 : tonumber(r.cpu)])
  pod_memory = sum([for r in local.requests : endswith(r.memory, "Mi") ? tonumber(trimsuffix(r.memory, "Mi")) / 1024 : tonumber(trimsuffix(r.memory, "Gi"))])

  # Sizes of g6e with one L40S each, which is the family that the pod's nodeSelector names.
  sizes = [
    { instance_type = "g6e.xlarge", vcpus = 4, gib = 32 },
    { instance_type = "g6e.2xlarge", vcpus = 8, gib = 64 },
    { instance_type = "g6e.4xlarge", vcpus = 16, gib = 128 },
    { instance_type = "g6e.8xlarge", vcpus = 32, gib = 256 },
    { instance_type = "g6e.16xlarge", vcpus = 64, gib = 512 },
  ]

  # What a node leaves for pods: Karpenter expects 7.5 % of the memory to be the
  # hypervisor's; a kubelet reserves 255 MiB and 11 MiB a pod, here 110, and keeps
  # 100 MiB free. Of the cores about 80m go, and at most 0.2 more to DaemonSets.
  fitting = [for size in local.sizes : size if
    size.vcpus - 0.28 >= local.pod_cpu && size.gib * 0.925 - (255 + 11 * 110 + 100) / 1024 >= local.pod_memory
  ]
}
