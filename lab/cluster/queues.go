package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/lab/sqs"
	"golang.org/x/sync/errgroup"
)

// queueHeaders bounds how long a client may take to say what it wants.
const queueHeaders = 10 * time.Second

// startQueues serves Amazon SQS's protocol. Messages live as long as the supervisor does.
func (l *lab) startQueues(ctx context.Context, g *errgroup.Group) error {
	l.progress("opening the queue service")
	listener, err := loopback.Listen(ctx, queueAddress(l.state.Ports.SQS))
	if err != nil {
		return fmt.Errorf("open the queue service: %w", err)
	}
	service := sqs.New(sqs.Config{Region: sqs.Region})
	for _, name := range l.o.Queues {
		if err := service.Create(name); err != nil {
			return errors.Join(fmt.Errorf("make queue %q: %w", name, err), listener.Close())
		}
	}
	server := &http.Server{
		Handler: service, ReadHeaderTimeout: queueHeaders, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(l.log.With("part", "sqs").Handler(), slog.LevelDebug),
	}
	g.Go(func() error {
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(listener) }()
		select {
		case err := <-ended:
			return fmt.Errorf("the queue service ended: %w", err)
		case <-ctx.Done():
			_ = server.Close() // long polls would not let it end in peace
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("the queue service ended: %w", err)
			}
			return nil
		}
	})
	return nil
}

func queueAddress(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// QueueService is the URL of the queue service of a lab with these ports.
func (p Ports) QueueService() string { return "http://" + queueAddress(p.SQS) }

// AWSEnvironment leads what uses AWS's SDKs to the lab's services and away from anybody's account, as EKS tells its pods
// of their region and identity.
func (p Ports) AWSEnvironment() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + p.QueueService(),
		"AWS_REGION=" + sqs.Region, "AWS_DEFAULT_REGION=" + sqs.Region,
		"AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", // any will do, no signature is checked
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// podEnvironment is what every container is told beside its own variables.
func (l *lab) podEnvironment() []string { return append(l.state.Ports.AWSEnvironment(), l.o.PodEnv...) }

// withoutAWS drops the user's own AWS account from an environment.
func withoutAWS(all []string) []string {
	var kept []string
	for _, one := range all {
		if !strings.HasPrefix(strings.ToUpper(one), "AWS_") {
			kept = append(kept, one)
		}
	}
	return kept
}

// checkQueues says what is wrong with the queues and variables of the options.
func (o Options) checkQueues() error {
	for _, one := range o.PodEnv {
		if name, _, found := strings.Cut(one, "="); !found || name == "" {
			return fmt.Errorf("variable %q for pods: write it as NAME=value", one)
		}
	}
	return sqs.CheckNames(o.Queues)
}

// QueueURL names a queue of a running lab as its service does; a URL is taken as it is.
func (s Status) QueueURL(queue string) string {
	if strings.Contains(queue, "://") {
		return queue
	}
	return s.Ports.QueueService() + path.Join("/", sqs.Account, queue)
}
