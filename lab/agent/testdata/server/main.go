// Server is the program of the agent's tests: it listens where the lab says and can be told to be unwell.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(os.Getenv("FURL_POD_DIR") + "/sick"); err == nil {
			http.Error(w, "sick", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "hello from %s, host %s\n", os.Getenv("HOSTNAME"), r.Host)
	})
	fmt.Println("listening on", os.Getenv("LAB_LISTEN"), "args", os.Args[1:])
	server := &http.Server{Addr: os.Getenv("LAB_LISTEN"), ReadHeaderTimeout: time.Second}
	go func() {
		if err := server.ListenAndServe(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}()
	<-stop
	fmt.Println("told to stop")
}
