# The manifests beside this folder get the queue's URL, the region and the roles
# written into them, where the walkthrough's commands look for them; destroy puts
# back what Furl came with.
module "manifests" {
  source = "./modules/manifests"

  folder    = "${path.module}/.."
  queue_url = aws_sqs_queue.prompts.url
  region    = var.region
  identity  = var.identity
  operator  = aws_iam_role.operator.arn
  reader    = aws_iam_role.reader.arn
}

module "files" {
  source = "../../../../terraform/modules/files"

  files = module.manifests.files
}
