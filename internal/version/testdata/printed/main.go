// Command printed prints the version of its build, and its arguments.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/furl-dev/furl/internal/version"
)

func main() {
	fmt.Println(strings.Join(append([]string{version.String()}, os.Args[1:]...), " "))
}
