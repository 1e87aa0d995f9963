# Writes texts over files that exist, and puts back what was there.
#
# local_file would delete a file when it is destroyed, and these are under
# version control. It needs no provider, so that it is tested as it is.

resource "terraform_data" "file" {
  for_each = var.files

  input            = merge(each.value, { path = each.key })
  triggers_replace = sha256(jsonencode(each.value))

  provisioner "local-exec" {
    command     = "printf %s \"$TEXT\" >\"$FILE\""
    environment = { FILE = self.input.path, TEXT = self.input.written }
    quiet       = true
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "printf %s \"$TEXT\" >\"$FILE\""
    environment = { FILE = self.output.path, TEXT = self.output.left }
    quiet       = true
  }
}
