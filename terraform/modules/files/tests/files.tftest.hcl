run "says_what_it_writes" {
  command = plan

  variables {
    files = { "./main.tf" = { written = "a", left = "b" } }
  }

  assert {
    condition     = output.paths == tolist(["./main.tf"])
    error_message = jsonencode(output.paths)
  }
  assert {
    condition     = terraform_data.file["./main.tf"].input == { path = "./main.tf", written = "a", left = "b" }
    error_message = jsonencode(terraform_data.file["./main.tf"].input)
  }
}

run "refuses_to_make_a_file" {
  command = plan

  variables {
    files = { "./none.yaml" = { written = "a", left = "b" } }
  }

  expect_failures = [var.files]
}
