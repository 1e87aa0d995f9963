package plane

import (
	"flag"
	"fmt"
	"os"

	"k8s.io/klog/v2"
)

// logToFile sends what the components log to path and nothing to standard error, each line once.
func logToFile(path string) (closeLog func(), err error) {
	if err := os.Truncate(path, 0); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("empty the plane's log: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // the path is the lab's own folder
	if err != nil {
		return nil, fmt.Errorf("open the plane's log: %w", err)
	}
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{
		"logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL", "one_output": "true",
	} {
		if err := flags.Set(name, value); err != nil {
			return nil, fmt.Errorf("set up the plane's log: %w", err)
		}
	}
	klog.SetOutput(f)
	return func() {
		klog.Flush()
		_ = f.Close()
	}, nil
}
