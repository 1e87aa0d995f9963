resource "aws_sqs_queue" "prompts" {
  name                    = module.access.queue_name
  sqs_managed_sse_enabled = true

  # A prompt nobody took within four days is answered by nobody.
  message_retention_seconds = 345600
  # The worker says for each message how long it hides it, and renews that; this
  # is for whoever reads the queue by hand.
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 20

  redrive_policy = module.access.redrive_policy

  lifecycle {
    postcondition {
      condition     = self.arn == module.access.queue_arn
      error_message = "The queue is ${self.arn}, but the policies are about ${module.access.queue_arn}; is another region configured for the provider?"
    }
  }

  depends_on = [aws_sqs_queue.dead_letters]
}

# What was received five times and never answered waits here for somebody to look.
resource "aws_sqs_queue" "dead_letters" {
  name                      = module.access.dead_letter_queue_name
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600 # the most that SQS keeps: 14 days
}

# No other queue may drop its dead letters there.
resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url            = aws_sqs_queue.dead_letters.id
  redrive_allow_policy = module.access.redrive_allow_policy

  depends_on = [aws_sqs_queue.prompts]
}

resource "aws_sqs_queue_policy" "tls_only" {
  for_each = {
    prompts      = { url = aws_sqs_queue.prompts.id, policy = module.access.queue_policy }
    dead_letters = { url = aws_sqs_queue.dead_letters.id, policy = module.access.dead_letter_queue_policy }
  }

  queue_url = each.value.url
  policy    = each.value.policy
}
