variable "name" {
  description = "Name of the cluster."
  type        = string

  validation {
    # A role's name has 64 characters at most, and the longest suffix of ours is "-gpu-node".
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 40 lower case letters, digits and dashes, and begin with a letter, such as furl."
  }
}

variable "tags" {
  description = "Tags beside our own."
  type        = map(string)
  default     = {}
}

variable "vpc_cidr" {
  description = "Addresses of the VPC."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.vpc_cidr)) && try(tonumber(split("/", var.vpc_cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.vpc_cidr)[1]), 99) <= 20
    error_message = "vpc_cidr must be an IPv4 block of /16 to /20, such as 10.0.0.0/16: AWS takes no larger one, and pods need more than a smaller one has."
  }
}

variable "zones" {
  description = "Names of the availability zones."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 6
    error_message = "zones must be 2 to 6: EKS wants subnets in two zones at least, and the VPC is cut for six."
  }
}

variable "node_pool" {
  description = "The text of nodepools/gpu-nodepool.yaml, whatever names stand in it."
  type        = string
}
