// Command printed prints the version of its build.
package main

import (
	"fmt"

	"github.com/furl-dev/furl/internal/version"
)

func main() { fmt.Println(version.String()) }
