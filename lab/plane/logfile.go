package plane

import (
	"flag"
	"fmt"

	"github.com/furl-dev/furl/lab/logfile"
	"k8s.io/klog/v2"
)

// logToFile sends what the components log to path and nothing to standard error, each line once.
func logToFile(path string) (closeLog func(), err error) {
	f, err := logfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("begin the plane's log: %w", err)
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
