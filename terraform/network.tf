module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "6.6.0"

  name = var.name
  cidr = var.vpc_cidr
  azs  = module.layout.zones

  # Nodes and pods live in the private subnets; the public ones hold the NAT
  # gateway and the load balancers that a Service asks for.
  private_subnets     = module.layout.private_subnets
  public_subnets      = module.layout.public_subnets
  private_subnet_tags = module.layout.private_subnet_tags
  public_subnet_tags  = module.layout.public_subnet_tags

  enable_nat_gateway     = true
  single_nat_gateway     = !var.nat_gateway_per_zone
  one_nat_gateway_per_az = var.nat_gateway_per_zone

  # What nothing should use lets nothing through.
  manage_default_security_group  = true
  default_security_group_ingress = []
  default_security_group_egress  = []
}

# Image layers come from S3. This endpoint is free, the NAT gateway is not.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = module.vpc.vpc_id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = module.vpc.private_route_table_ids

  tags = { Name = "${var.name}-s3" }
}
