variable "files" {
  description = "By path: what is written, and what is left there when this is destroyed."
  type        = map(object({ written = string, left = string }))

  validation {
    condition     = alltrue([for path, file in var.files : fileexists(path)])
    error_message = "Every path of files must be a file that exists; run terraform in the folder it came in."
  }
}
