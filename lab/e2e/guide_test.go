package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// guidePage is the walkthrough as a page; TestWalkthrough_part_1 and part_2 type what it says of the lab.
const guidePage = "docs/guide/walkthrough.md"

// row is a step of the guide: a line that begins with one of places, then a block of commands, a block of what they
// print, or both.
//
//	**In the lab**, in terminal 2, within 30 s:
type row struct {
	section  string // the heading above
	line     int    // of the page
	place    string
	terminal int           // in which it is typed, 1 is the first
	within   time.Duration // that it may take in the lab, until it prints what the page shows; 0: unsaid
	fails    bool          // its last command has an exit code other than 0
	press    bool          // Ctrl+C, before the terminal shows what is printed
	tests    []string      // that checked what is not typed here, as FOLDER: NAME
	commands string
	prints   string
	loose    []loose // what of prints may be otherwise
}

const (
	onEKS  = "On EKS"
	inLab  = "In the lab"
	onBoth = "On EKS and in the lab"
)

var (
	rowLine    = regexp.MustCompile(`^\*\*(` + onBoth + `|` + onEKS + `|` + inLab + `)\*\*(.*)$`)
	inTerminal = regexp.MustCompile(`\bterminal (\d)`)
	withinTime = regexp.MustCompile(`\bwithin (\d+) (s|min)\b`)
	testNames  = regexp.MustCompile("`([a-z0-9/]+): (Test\\w+)`")
	looseLine  = regexp.MustCompile(`^<!-- (.+ is .+) -->$`)
)

// readGuide takes the page apart.
func readGuide(t *testing.T) []row {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(repository, guidePage))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf(string(raw))
	if err != nil {
		t.Fatalf("%s: %v", guidePage, err)
	}
	return rows
}

const repository = "../.."

// page is what has been read of the guide so far.
type page struct {
	rows    []row
	section string
	opening string // the paragraph with which the last row begins, while it goes on
	block   string // the kind of the block that is being read
	text    strings.Builder
}

// rowsOf are the rows of a page, in its order. A block that belongs to no row is an error: nobody would run it.
func rowsOf(text string) ([]row, error) {
	var p page
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := p.reads(strings.TrimSuffix(line, "\n"), number); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return p.rows, nil
}

func (p *page) reads(line string, number int) error {
	switch {
	case p.block != "" && line == "```":
		kind := p.block
		p.block = ""
		if len(p.rows) == 0 || p.rows[len(p.rows)-1].section != p.section {
			return errors.New("the block above belongs to no row")
		}
		defer p.text.Reset()
		return p.last().takes(kind, p.text.String())
	case p.block != "":
		p.text.WriteString(line + "\n")
	case strings.HasPrefix(line, "```"):
		p.opening, p.block = "", strings.TrimPrefix(line, "```")
	case strings.HasPrefix(line, "#"):
		p.section = strings.TrimSpace(strings.TrimLeft(line, "#"))
	case rowLine.MatchString(line):
		p.opening = line
		p.rows = append(p.rows, row{section: p.section, line: number})
		return p.last().opens(line)
	case looseLine.MatchString(line) && len(p.rows) > 0:
		var err error
		p.last().loose, err = looseOf(looseLine.FindStringSubmatch(line)[1])
		return err
	case line == "":
		p.opening = ""
	case p.opening != "":
		p.opening += " " + line
		return p.last().opens(p.opening)
	}
	return nil
}

func (p *page) last() *row { return &p.rows[len(p.rows)-1] }

// opens reads the paragraph with which a row begins.
func (r *row) opens(text string) error {
	m := rowLine.FindStringSubmatch(text)
	r.place, r.terminal, r.tests = m[1], 1, nil
	r.fails, r.press = strings.Contains(m[2], "fails"), strings.Contains(m[2], "press Ctrl+C")
	if n := inTerminal.FindStringSubmatch(m[2]); n != nil {
		r.terminal = int(n[1][0] - '0')
	}
	if n := withinTime.FindStringSubmatch(m[2]); n != nil {
		count, err := strconv.Atoi(n[1])
		if err != nil {
			return err
		}
		r.within = time.Duration(count) * map[string]time.Duration{"s": time.Second, "min": time.Minute}[n[2]]
	}
	for _, n := range testNames.FindAllStringSubmatch(m[2], -1) {
		r.tests = append(r.tests, n[1]+": "+n[2])
	}
	return nil
}

// takes adds a block to a row, which has one of a kind.
func (r *row) takes(kind, text string) error {
	into := map[string]*string{"bash": &r.commands, "text": &r.prints}[kind]
	if into == nil {
		return fmt.Errorf("a block %q: commands are bash, what they print is text", kind)
	}
	if *into != "" {
		return fmt.Errorf("a second block %q in one row, the first is %q", kind, *into)
	}
	*into = text
	return nil
}

// lines are the commands without comments; what a backslash continues is one.
func (r row) lines() []string {
	var all []string
	for line := range strings.Lines(strings.ReplaceAll(r.commands, "\\\n", "")) {
		if line = strings.Join(strings.Fields(line), " "); line != "" && !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

// isLookedAt: nothing changes when the row is typed again, so that it may be typed until it shows what is awaited.
func (r row) isLookedAt() bool {
	looks := regexp.MustCompile(`^(kubectl (get|describe|top|logs)|furl (explain|doctor)|furl lab (sqs attributes|status)) ?`)
	return !slices.ContainsFunc(r.lines(), func(line string) bool { return !looks.MatchString(line) })
}

func TestRowsOf_a_page(t *testing.T) {
	got, err := rowsOf("# A\n## 1. Look\nProse.\n\n**In the lab**, within 30 s, in terminal 2:\n\n```bash\n# a comment\nkubectl get \\\n  hpa\n```\n\n" +
		"<!-- 250 is 100..250 -->\n```text\ncpu: 250%\n```\n**On EKS**, checked by\n`tools/helm: TestA`:\n```bash\nhelm install\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d rows, want 2: %+v", len(got), got)
	}
	lab, eks := got[0], got[1]
	if lab.section != "1. Look" || lab.place != inLab || lab.within != 30*time.Second || lab.terminal != 2 || lab.prints != "cpu: 250%\n" || len(lab.loose) != 1 {
		t.Errorf("the row of the lab is %+v", lab)
	}
	if want := []string{"kubectl get hpa"}; !slices.Equal(lab.lines(), want) || !lab.isLookedAt() {
		t.Errorf("its lines are %q, want %q; looked at: %t", lab.lines(), want, lab.isLookedAt())
	}
	if eks.place != onEKS || !slices.Equal(eks.tests, []string{"tools/helm: TestA"}) || eks.isLookedAt() {
		t.Errorf("the row of EKS is %+v", eks)
	}
	for page, why := range map[string]string{
		"# A\n```bash\nx\n```\n":                                       "a block without a row",
		"**In the lab**\n# A\n```bash\nx\n```\n":                       "a block in another section than its row",
		"**In the lab**\n```sh\nx\n```\n":                              "a block of another kind",
		"**In the lab**\n```bash\nx\n```\n```bash\ny\n```\n":           "two blocks of commands",
		"**In the lab**\n\n<!-- 7 is some -->\n```text\n7 pods\n```\n": "a looseness that says nothing",
	} {
		if _, err := rowsOf(page); err == nil {
			t.Errorf("%s is taken: %q", why, page)
		}
	}
}

// TestGuide_accounts_for_every_row_of_the_walkthrough holds the page against the list of the walkthrough's commands:
// each is there, or what stands for it, and what the lab does not run names tests that exist.
func TestGuide_accounts_for_every_row_of_the_walkthrough(t *testing.T) {
	rows := readGuide(t)
	at := map[string][]row{}
	ran, elsewhere := 0, 0
	for _, r := range rows {
		for _, line := range r.lines() {
			at[line] = append(at[line], r)
		}
		if r.place != onEKS {
			ran++
			continue
		}
		elsewhere++
		if len(r.tests) == 0 {
			t.Errorf("%s:%d is of EKS only and names no test", guidePage, r.line)
		}
		for _, name := range r.tests {
			if folder, test, _ := strings.Cut(name, ": "); !hasTest(t, folder, test) {
				t.Errorf("%s:%d names the test %s, which is not there", guidePage, r.line, name)
			}
		}
	}
	commands := 0
	for line := range strings.Lines(read(t, filepath.Join("testdata", "walkthrough.txt"))) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		commands++
		_, ours, instead := strings.Cut(line, " => ")
		if !instead {
			ours = line
		}
		if len(at[ours]) == 0 {
			t.Errorf("the walkthrough says %q, the guide has no %q", line, ours)
		}
	}
	if commands < 45 || ran < 30 {
		t.Errorf("%d commands of the walkthrough and %d rows that run: something is not read", commands, ran)
	}
	for _, m := range timeline() {
		if want := "| " + m.what + " | " + strings.TrimSuffix(m.window, " min") + " |"; !strings.Contains(read(t, filepath.Join(repository, guidePage)), want) {
			t.Errorf("the guide's timeline has no row %q", want)
		}
	}
	t.Logf("%d commands of the walkthrough; the guide has %d rows that the lab runs and %d of EKS only", commands, ran, elsewhere)
}

// hasTest looks for a test in a folder of the repository.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool { return strings.Contains(read(t, file), "func "+name+"(t *testing.T)") })
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
