package applet

import "strings"

// options are what a command line asked for, by letter or long name; a flag's value is "".
type options map[string][]string

func (o options) has(name string) bool { return len(o[name]) > 0 }

// last gives the value that counts, and whether there is one.
func (o options) last(name string) (string, bool) {
	values := o[name]
	if len(values) == 0 {
		return "", false
	}
	return values[len(values)-1], true
}

// options reads the command line as getopt does. In spec stands a letter for each option, followed by ":" when it takes
// a value and "::" when it may have one in the same word; a spec that begins with "+" ends the options at the first word that is none. A long option is "name",
// "name=" with a value, or "name>x" and "name=>x" when it means the letter x. The last result is false after a mistake,
// of which the user was told.
func (c *Call) options(spec string, long ...string) (options, []string, bool) {
	p := parser{call: c, seen: options{}, long: long}
	p.spec, p.ordered = strings.CutPrefix(spec, "+")
	rest := c.Args
	var words []string
	for len(rest) > 0 && !p.wrong {
		word := rest[0]
		rest = rest[1:]
		switch {
		case word == "--":
			return p.seen, append(words, rest...), true
		case strings.HasPrefix(word, "--"):
			rest = p.name(word[2:], rest)
		case len(word) > 1 && word[0] == '-':
			rest = p.letters(word[1:], rest)
		case p.ordered:
			return p.seen, append([]string{word}, rest...), true
		default:
			words = append(words, word)
		}
	}
	return p.seen, words, !p.wrong
}

type parser struct {
	call    *Call
	spec    string
	long    []string
	ordered bool
	seen    options
	wrong   bool
}

// letters reads "-abc" or "-ovalue" and gives the words after it.
func (p *parser) letters(word string, rest []string) []string {
	for i, letter := range word {
		at := strings.IndexRune(p.spec, letter)
		if at < 0 || letter == ':' {
			p.mistake("unrecognized option: %c", letter)
			return rest
		}
		name := string(letter)
		after := p.spec[at+len(name):]
		if !strings.HasPrefix(after, ":") {
			p.seen[name] = append(p.seen[name], "")
			continue
		}
		if value := word[i+len(name):]; value != "" || strings.HasPrefix(after, "::") {
			p.seen[name] = append(p.seen[name], value)
			return rest
		}
		return p.value(name, rest)
	}
	return rest
}

// name reads "--name", "--name=value" or "--name value".
func (p *parser) name(word string, rest []string) []string {
	name, value, given := strings.Cut(word, "=")
	for _, known := range p.long {
		known, letter, renamed := strings.Cut(known, ">")
		known, valued := strings.CutSuffix(known, "=")
		if known != name {
			continue
		}
		if renamed {
			name = letter
		}
		switch {
		case valued && !given:
			return p.value(name, rest)
		case given && !valued:
			p.mistake("option '--%s' takes no value", known)
		default:
			p.seen[name] = append(p.seen[name], value)
		}
		return rest
	}
	p.mistake("unrecognized option: %s", name)
	return rest
}

func (p *parser) value(name string, rest []string) []string {
	if len(rest) == 0 {
		p.mistake("option requires an argument: %s", name)
		return nil
	}
	p.seen[name] = append(p.seen[name], rest[0])
	return rest[1:]
}

func (p *parser) mistake(format string, args ...any) {
	p.wrong = true
	p.call.fail(format, args...)
}
