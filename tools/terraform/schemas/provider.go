package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/furl-dev/furl/tools/terraform"
)

var (
	opens      = regexp.MustCompile(`^export (?:interface|declare class) (\w+)(?: extends cdktf\.(\w+))?`)
	documented = regexp.MustCompile(`\{@link \S+/providers/(hashicorp/aws)/([\d.]+)/docs/\S+#(\w+) `)
	property   = regexp.MustCompile(`^    readonly (\w+)(\?)?: (.*)$`)
	getter     = regexp.MustCompile(`^    get (\w+)\(\)`)
	typeName   = regexp.MustCompile(`^    static readonly tfResourceType = "(\w+)"`)
	capital    = regexp.MustCompile(`[A-Z]`)
)

// field is one line of an interface.
type field struct {
	name     string // as HCL has it
	of       string // the type, for a block its interface
	required bool
	block    bool
}

// page is one .d.ts.
type page struct {
	fields   map[string][]field // by interface
	config   string             // the interface of the whole resource
	resource string             // such as aws_sqs_queue
	data     bool
	readable []string
	provider string
}

func addResource(all *terraform.Schemas, provider, folder string) error {
	p, err := readPage(filepath.Join(provider, "lib", folder, "index.d.ts"))
	if err != nil {
		return err
	}
	b := p.block(p.config)
	known := map[string]bool{}
	for _, f := range p.fields[p.config] {
		known[f.name] = true
	}
	for _, name := range p.readable {
		if !known[name] {
			b.Computed = append(b.Computed, name)
			known[name] = true
		}
	}
	if p.data {
		all.Data[p.resource] = b
	} else {
		all.Resources[p.resource] = b
	}
	all.Provider = p.provider
	return nil
}

// block puts an interface and those below it together.
func (p *page) block(name string) terraform.Block {
	var b terraform.Block
	for _, f := range p.fields[name] {
		if f.required {
			b.Required = append(b.Required, f.name)
		} else {
			b.Optional = append(b.Optional, f.name)
		}
		if f.block {
			if b.Blocks == nil {
				b.Blocks = map[string]terraform.Block{}
			}
			b.Blocks[f.name] = p.block(f.of)
		}
	}
	return b
}

func readPage(path string) (*page, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("%w: is it the unpacked package @cdktf/provider-aws?", err)
	}
	defer func() { _ = file.Close() }()
	p := &page{fields: map[string][]field{}}
	r := reader{page: p}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		r.line(lines.Text())
	}
	if p.config == "" || p.resource == "" {
		return nil, fmt.Errorf("%s describes no resource: has the package another form now?", path)
	}
	return p, lines.Err()
}

// reader remembers what the lines before said.
type reader struct {
	page  *page
	in    string // the interface or class
	main  bool   // in is the class of the resource
	name  string // of the next property, from its comment
	block bool
}

func (r *reader) line(text string) {
	if m := opens.FindStringSubmatch(text); m != nil {
		r.in, r.main = m[1], m[2] == "TerraformResource" || m[2] == "TerraformDataSource"
		r.page.data = r.page.data || m[2] == "TerraformDataSource"
		if m[2] == "TerraformMetaArguments" {
			r.page.config = m[1]
		}
		return
	}
	if m := documented.FindStringSubmatch(text); m != nil {
		r.page.provider, r.name = m[1]+" "+m[2], m[3]
	}
	r.block = r.block || strings.HasSuffix(text, " block")
	if m := property.FindStringSubmatch(text); m != nil {
		of := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(m[3], ";"), " | cdktf.IResolvable"), "[]")
		r.page.fields[r.in] = append(r.page.fields[r.in], field{name: r.name, of: of, required: m[2] == "", block: r.block})
		r.block = false
		return
	}
	if m := typeName.FindStringSubmatch(text); m != nil {
		r.page.resource = m[1]
	}
	if m := getter.FindStringSubmatch(text); m != nil && r.main && !strings.HasSuffix(m[1], "Input") {
		r.page.readable = append(r.page.readable, capital.ReplaceAllStringFunc(m[1], func(c string) string { return "_" + strings.ToLower(c) }))
	}
}
