# For tflint, which is run by hand: building it takes a fresh machine some minutes.
#
#   go install github.com/terraform-linters/tflint@v0.64.0
#   tflint --recursive --config "$PWD/tools/terraform/tflint.hcl" --call-module-type=none
plugin "terraform" {
  enabled = true
  preset  = "all"
}
