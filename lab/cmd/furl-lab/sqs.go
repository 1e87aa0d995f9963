package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/lab/sqs"
	"github.com/spf13/cobra"
)

// walkthroughQueue is there from the beginning; the examples name it.
const walkthroughQueue = "furl-keda"

// queues is what the commands about queues share.
type queues struct {
	at    *location
	queue string // name or URL
}

func sqsCommand(at *location) *cobra.Command {
	q := &queues{at: at}
	c := &cobra.Command{
		Use:   "sqs",
		Short: "Look at the lab's queues, for those without the AWS CLI",
		Long: `The lab has a queue service that speaks Amazon SQS's protocol. The AWS CLI and SDKs reach it with what "furl lab sqs env" prints;
these commands do the same without them, and print what "aws sqs" prints.`,
	}
	c.AddCommand(q.list(), q.create(), q.attributes(), q.send(), q.receive(), q.purge(), q.url(), q.env())
	return c
}

// named adds the flag that names a queue.
func (q *queues) named(c *cobra.Command) *cobra.Command {
	c.Args = cobra.NoArgs
	c.Flags().StringVar(&q.queue, "queue-url", walkthroughQueue, "name or URL of the queue")
	return c
}

func (q *queues) status(cmd *cobra.Command) (cluster.Status, error) {
	dir, err := q.at.folder()
	if err != nil {
		return cluster.Status{}, err
	}
	s, err := cluster.Look(cmd.Context(), dir, time.Now())
	if err == nil && (s.Phase != cluster.Ready || s.Ports.SQS == 0) {
		err = fmt.Errorf("the lab is %s: %w", s.Phase, cluster.ErrNotUp)
	}
	return s, err
}

// ask sends an operation about the queue, and prints the answer as the AWS CLI does.
func (q *queues) ask(cmd *cobra.Command, name string, in map[string]any) error {
	s, err := q.status(cmd)
	if err != nil {
		return err
	}
	if q.queue != "" {
		in["QueueUrl"] = s.QueueURL(q.queue)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: loopback.Dial}}
	defer client.CloseIdleConnections()
	raw, err := sqs.Ask(cmd.Context(), client, s.Ports.QueueService(), name, in)
	if err != nil {
		return err
	}
	return printWide(cmd.OutOrStdout(), raw)
}

// printWide prints JSON with four blanks a level; an empty answer is no output.
func printWide(w io.Writer, raw json.RawMessage) error {
	var wide bytes.Buffer
	if err := json.Indent(&wide, raw, "", "    "); err != nil {
		return fmt.Errorf("the answer of the queue service: %w", err)
	}
	if wide.String() == "{}" {
		return nil
	}
	_, err := fmt.Fprintln(w, wide.String())
	return err
}

func (q *queues) list() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the queues", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return q.ask(cmd, "ListQueues", map[string]any{}) },
	}
}

func (q *queues) create() *cobra.Command {
	return &cobra.Command{
		Use: "create NAME", Short: "Make a queue", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd, "CreateQueue", map[string]any{"QueueName": args[0]})
		},
	}
}

func (q *queues) attributes() *cobra.Command {
	var names []string
	c := q.named(&cobra.Command{
		Use: "attributes", Short: "Print attributes of a queue, its counts of messages among them",
		Example: "  furl lab sqs attributes --attribute-names ApproximateNumberOfMessages",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return q.ask(cmd, "GetQueueAttributes", map[string]any{"AttributeNames": names})
		},
	})
	c.Flags().StringSliceVar(&names, "attribute-names", []string{
		"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
	}, "attributes, or All")
	return c
}

func (q *queues) send() *cobra.Command {
	var delay int
	c := q.named(&cobra.Command{Use: "send BODY", Short: "Send a message"})
	c.Args = cobra.ExactArgs(1)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return q.ask(cmd, "SendMessage", map[string]any{"MessageBody": args[0], "DelaySeconds": delay})
	}
	c.Flags().IntVar(&delay, "delay-seconds", 0, "how long it stays hidden at first")
	return c
}

func (q *queues) receive() *cobra.Command {
	var most, wait, hide int
	c := q.named(&cobra.Command{
		Use: "receive", Short: "Receive messages, which hides them from others for a while",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if most < 1 || most > 10 {
				return errors.New("--max-number-of-messages: give 1 to 10")
			}
			return q.ask(cmd, "ReceiveMessage", map[string]any{
				"MaxNumberOfMessages": most, "WaitTimeSeconds": wait, "VisibilityTimeout": hide,
				"MessageSystemAttributeNames": []string{"All"}, "MessageAttributeNames": []string{"All"},
			})
		},
	})
	c.Flags().IntVar(&most, "max-number-of-messages", 1, "how many at most")
	c.Flags().IntVar(&wait, "wait-time-seconds", 0, "how long to wait for one")
	c.Flags().IntVar(&hide, "visibility-timeout", 30, "how long others do not see them")
	return c
}

func (q *queues) purge() *cobra.Command {
	return q.named(&cobra.Command{
		Use: "purge", Short: "Delete every message of a queue",
		RunE: func(cmd *cobra.Command, _ []string) error { return q.ask(cmd, "PurgeQueue", map[string]any{}) },
	})
}

func (q *queues) url() *cobra.Command {
	return q.named(&cobra.Command{
		Use: "url", Short: "Print the URL of a queue", Example: `  QUEUE_URL=$(furl lab sqs url)`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := q.status(cmd)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), s.QueueURL(q.queue))
			return err
		},
	})
}

func (q *queues) env() *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: "Print what leads the AWS CLI and SDKs to the lab", Example: `  eval "$(furl lab sqs env)"`, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := q.status(cmd)
			if err != nil {
				return err
			}
			for _, one := range s.Ports.AWSEnvironment() {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), "export "+one); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
