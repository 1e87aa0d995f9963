package resource_test

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/resource"
)

func TestScraper_says_nothing_of_a_node_that_is_only_coming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		list := nodesOf(resource.Node{Name: "new"})
		scrape(t, &resource.Scraper{
			Options: options(10 * time.Second), Access: resource.Access{Insecure: true}, Nodes: list,
			Store: resource.NewStore(10 * time.Second), Log: slog.New(slog.NewTextHandler(log, nil)),
		})
		said := func(why string, after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if n := log.count("node not scraped"); n != want {
				t.Errorf("%s: said %d times that it is not scraped, want %d", why, n, want)
			}
		}
		said("it has neither address nor kubelet", 10*time.Minute, 0)
		ready := []resource.Node{{Name: "new", Ready: true, ReadySince: time.Now()}}
		list.list.Store(&ready)
		said("it has just become ready", 20*time.Second, 0)
		said("it has been ready for a while", 30*time.Second, 1)
		said("that is told", 10*time.Minute, 1)
	})
}
