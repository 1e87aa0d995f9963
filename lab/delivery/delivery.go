// Package delivery proves that workers may come and go while a queue drains: no message is lost, and none is answered twice.
//
// It is tests alone. The worker, the AWS SDK, the queue and the model's stand-in are the ones that run in the lab's
// pods; only the network and the clock are not real, so that minutes of prompts pass in milliseconds.
package delivery
