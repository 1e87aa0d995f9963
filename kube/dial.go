package kube

import (
	"context"
	"net"
	"time"
)

// prompt connects so that what the other end has not acknowledged after some time
// is dropped, with the connection, where the system can do that. Else a write
// that went out just before the network failed could arrive minutes later, when
// another leads; and a connection that leads nowhere would be kept for as long.
func prompt(within time.Duration) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: dropAfter(within)} // client-go's own times
	return d.DialContext
}
