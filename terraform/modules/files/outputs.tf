output "paths" {
  description = "The files that are written."
  value       = sort(keys(var.files))
}
