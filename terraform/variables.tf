variable "name" {
  description = "Name of the cluster, and what every other name begins with. Another name than furl is written into nodepools/gpu-nodepool.yaml."
  type        = string
  default     = "furl"
}

variable "region" {
  description = "AWS region of everything."
  type        = string
  default     = "us-west-2"
}

variable "kubernetes_version" {
  description = "Kubernetes of the cluster, one that Furl supports and EKS still has in standard support: extended support costs six times as much."
  type        = string
  default     = "1.36"

  validation {
    condition     = contains([for minor in range(32, 38) : "1.${minor}"], var.kubernetes_version)
    error_message = "kubernetes_version must be 1.32 to 1.37, which Furl supports, such as 1.36."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC. A /16 leaves 4,091 for nodes and pods in each of three zones."
  type        = string
  default     = "10.0.0.0/16"
}

variable "zones" {
  description = "How many availability zones to use."
  type        = number
  default     = 3
}

variable "api_access_cidrs" {
  description = "Who may reach the public endpoint of the Kubernetes API, as CIDRs, such as [\"203.0.113.7/32\"]; [] closes it, and only the VPC is left."
  type        = list(string)
  default     = ["0.0.0.0/0"]
}

variable "nat_gateway_per_zone" {
  description = "One NAT gateway a zone, not one for all: the loss of a zone then costs only that zone, at the price of two more."
  type        = bool
  default     = false
}

variable "control_plane_logs" {
  description = "Kinds of control plane logs to keep for 7 days, of api, audit, authenticator, controllerManager and scheduler. CloudWatch takes them at a price per GB."
  type        = list(string)
  default     = []
}

variable "deletion_protection" {
  description = "Refuses to delete the cluster until this is false again. For a cluster that is meant to stay."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags for everything, beside Project and ManagedBy."
  type        = map(string)
  default     = {}
}
