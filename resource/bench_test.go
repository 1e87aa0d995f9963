package resource

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// One scrape of a node with 30 pods from an answer in memory: parse and keep.
func BenchmarkTake_30_pods(b *testing.B) {
	s := NewStore(10 * time.Second)
	at, n := time.UnixMilli(asked), 0
	texts := make([][]byte, 0, 8)
	for i := range 8 {
		texts = append(texts, payload(at.Add(time.Duration(i)*10*time.Second), float64(i)*10))
	}
	r := bytes.NewReader(nil)
	b.SetBytes(int64(len(texts[0])))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(texts[n%len(texts)])
		if err := s.Take("n1", at, r); err != nil {
			b.Fatal(err)
		}
		n++
	}
}

// The same over TLS and gzip from a server in this process, whose cost is in the time.
func BenchmarkScrape_30_pods_over_tls(b *testing.B) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(payload(time.UnixMilli(asked), 10))
	_ = z.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	defer server.Close()
	host, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	p, _ := strconv.Atoi(port)
	node := Node{Name: "n1", Port: int32(p), Addresses: []Address{{Type: "InternalIP", Address: host}}}
	k := &kubelets{options: DefaultOptions(), identity: &identity{access: Access{Insecure: true}, handshake: time.Minute, idle: time.Minute}}
	s := NewStore(10 * time.Second)
	b.ReportAllocs()
	for b.Loop() {
		err := k.scrape(context.Background(), node, time.UnixMilli(asked), func(body io.Reader) error { return s.Take("n1", time.UnixMilli(asked), body) })
		if err != nil {
			b.Fatal(err)
		}
	}
}

// What 30,000 pods on 1,000 nodes keep, in bytes of heap.
func BenchmarkStore_30000_pods(b *testing.B) {
	for b.Loop() {
		before := heap()
		s := NewStore(10 * time.Second)
		for i := range 1000 {
			for turn := range 2 {
				text := bytes.ReplaceAll(payload(time.UnixMilli(asked+int64(turn)*10_000), float64(turn)*10), []byte(`pod="`), fmt.Appendf(nil, `pod="n%d-`, i))
				if err := s.Take(fmt.Sprint("n", i), time.UnixMilli(asked), bytes.NewReader(text)); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(heap()-before)/30_000, "heap-B/pod")
		if s.Pods() != 30_000 {
			b.Fatalf("%d pods", s.Pods())
		}
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
