package main

import (
	"bufio"
	"io"
	"log/slog"
	"os"
	"strings"
)

// longLine is the most of a printed line that is kept together.
const longLine = 64 << 10

// captureStderr makes log lines of what libraries print to standard error,
// such as the HTTP server of the aggregated APIs, until the returned function
// is called. The logger must not write to os.Stderr by that name. What the
// runtime prints when a program dies does not pass here.
func captureStderr(log *slog.Logger) (restore func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	was, ended := os.Stderr, make(chan struct{})
	os.Stderr = w //nolint:reassign // the one place where libraries that print can be reached
	go func() {
		defer close(ended)
		logLines(r, log)
	}()
	return func() {
		os.Stderr = was //nolint:reassign // as it was
		_ = w.Close()   // a pipe: ends the reader
		<-ended
		_ = r.Close()
	}, nil
}

// logLines logs each line of r until its end.
func logLines(r io.Reader, log *slog.Logger) {
	lines := bufio.NewReaderSize(r, longLine)
	for {
		line, err := lines.ReadSlice('\n')
		if text := strings.TrimSpace(string(line)); text != "" {
			log.Warn("a library printed", "text", text)
		}
		if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // bufio returns it as it is
			return
		}
	}
}
