// Package neighbour leads what a container says about localhost to its pod, where the other containers listen.
//
// Containers of a pod share a network, so one asks the other at http://localhost:8000. In the lab they are processes
// of one machine, whose localhost is the machine's, and each pod has an address of its own: so the URL is changed on
// its way from the manifest to the process, where the port is one that the pod declares.
package neighbour

import (
	"regexp"
	"strconv"
)

// Rewrite replaces localhost:PORT and 127.0.0.1:PORT in URLs, or as the whole text, by the socket behind that port of
// the pod. Ports that the pod does not declare are left alone: socket says false for them.
func Rewrite(text string, socket func(port int32) (hostPort string, ok bool)) string {
	pattern := regexp.MustCompile(`(^|//|@)(?:localhost|127\.0\.0\.1):([0-9]{1,5})($|[^0-9])`)
	found := pattern.FindAllStringSubmatchIndex(text, -1)
	out, from := "", 0
	for _, m := range found {
		start, end := m[3], m[5] // after what stands before the host, and after the port
		if m[2] == m[3] && (m[0] != 0 || m[6] != m[7]) {
			continue // bare words only where they are all there is
		}
		port, err := strconv.ParseInt(text[m[4]:m[5]], 10, 32)
		if err != nil {
			continue
		}
		at, ok := socket(int32(port))
		if !ok {
			continue
		}
		out += text[from:start] + at
		from = end
	}
	return out + text[from:]
}
