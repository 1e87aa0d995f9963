terraform {
  # 1.11: the oldest that tools/terraform was tested with.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.59.0"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = module.layout.tags
  }
}
