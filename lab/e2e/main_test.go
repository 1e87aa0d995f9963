package e2e

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// beside is how many of the tests that may run beside each other do: they mostly
// wait, so it is more than a small machine has cores. -parallel says otherwise.
const beside = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", beside); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	m.Run()
}
