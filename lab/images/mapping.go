package images

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// mapping is one line of the user: an image, or all images of a repository, and the program for it.
type mapping struct {
	image   Reference
	program Program
}

// weight says how exactly the mapping names an image: 0 not at all, 1 its repository, 2 its tag too, 3 its digest.
func (m mapping) weight(ref Reference) int {
	switch {
	case m.image.Name() != ref.Name():
		return 0
	case m.image.Digest != "":
		return whenEqual(m.image.Digest, ref.Digest, 3)
	case m.image.Tag != "":
		return whenEqual(m.image.Tag, ref.Tag, 2)
	}
	return 1
}

func whenEqual(a, b string, weight int) int {
	if a == b {
		return weight
	}
	return 0
}

// parseMapping reads "image=program[ args]"; words may be quoted with ' or ".
func parseMapping(text, dir string) (mapping, error) {
	image, command, found := strings.Cut(text, "=")
	if !found {
		return mapping{}, fmt.Errorf("image mapping %q: write it as image=program, such as nginx=./my-server", text)
	}
	ref, err := Parse(strings.TrimSpace(image))
	if err != nil {
		return mapping{}, fmt.Errorf("image mapping %q: %w", text, err)
	}
	words, err := split(command)
	if err != nil {
		return mapping{}, fmt.Errorf("image mapping %q: %w", text, err)
	}
	if len(words) == 0 {
		return mapping{}, fmt.Errorf("image mapping %q: no program after the equals sign", text)
	}
	path, err := locate(words[0], dir)
	if err != nil {
		return mapping{}, fmt.Errorf("image mapping %q: %w", text, err)
	}
	p := Program{Path: path, Args: words[1:]}
	if filepath.Base(path) == shellProgram {
		p.Shell = true
		if len(p.Args) == 0 {
			p.Args = []string{"sh"}
		}
	}
	return mapping{image: ref, program: p}, nil
}

func locate(program, dir string) (string, error) {
	if !strings.ContainsRune(program, '/') {
		return filepath.Join(dir, program), nil
	}
	return filepath.Abs(program)
}

// split cuts a command line into words; a quoted part keeps its blanks, and nothing else is special.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote rune
	inWord := false
	flush := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t':
			flush()
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c is not closed", quote)
	}
	flush()
	return words, nil
}

// maxMappings bounds a mapping file; a lab that needs more images than this is a registry.
const maxMappings = 10_000

// ReadMappings reads a file of mappings, one a line; empty lines and lines that begin with # do not count.
func ReadMappings(r io.Reader) ([]string, error) {
	var mappings []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(mappings) == maxMappings {
			return nil, fmt.Errorf("image mappings: more than %d", maxMappings)
		}
		mappings = append(mappings, line)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("image mappings: %w", err)
	}
	return mappings, nil
}
