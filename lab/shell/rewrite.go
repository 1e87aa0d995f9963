package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Words that rewritten scripts use among themselves. They are ordinary names, so that a rewritten script can be printed
// and read again (eval needs that); a script that uses them itself can confuse nobody but itself.
const (
	jobVariable = "_furl_job" // id of the background process that this code runs in
	bgVariable  = "_furl_bg"  // $!
	pidVariable = "_furl_pid" // $$
	spawnWord   = "_furl_spawn"
	adoptWord   = "_furl_adopt"
	settleWord  = "_furl_settle"
	ownWord     = "_furl_own"
	doneWord    = "_furl_done"
	trapOnWord  = "_furl_trap"
	trapOffWord = "_furl_trapped"
	statusWord  = "_furl_status"
	nowWord     = "_furl_now"
	tookWord    = "_furl_took"
	timeVar     = "_furl_time"
)

var errProcSubst = errors.New("process substitution is not part of this shell")

// parse reads a script and rewrites it.
func parse(source, name string) (*syntax.File, error) {
	file, err := syntax.NewParser().Parse(strings.NewReader(source), name)
	if err != nil {
		return nil, err
	}
	return file, rewrite(file)
}

// rewrite changes a parsed script where the interpreter's own meaning will not do:
//
//   - a background command becomes a process of ours, with a number that kill and wait know;
//   - $! and $$ are such numbers;
//   - braces are letters and ~name is text, as in busybox; the interpreter would look the name up among the host's users;
//   - time writes to standard error;
//   - a function named as a command that the interpreter would have built in, such as echo, is kept under another name;
//   - process substitution, which would make a named pipe in a folder of the host, is refused.
func rewrite(root syntax.Node) error {
	var err error
	syntax.Walk(root, func(node syntax.Node) bool {
		switch n := node.(type) {
		case *syntax.ProcSubst:
			err = fmt.Errorf("%s: %w", n.Pos(), errProcSubst)
		case *syntax.Stmt:
			background(n)
			timing(n)
		case *syntax.ParamExp:
			parameter(n)
		case *syntax.Redirect:
			err = redirect(n)
			return false
		case *syntax.CmdSubst:
			substitution(n)
		case *syntax.CallExpr:
			braces(n.Args)
		case *syntax.FuncDecl:
			shadow(n)
		case *syntax.WordIter:
			braces(n.Items)
		case *syntax.ArrayExpr:
			for _, element := range n.Elems {
				if element.Value != nil {
					braces([]*syntax.Word{element.Value})
				}
			}
		case *syntax.DeclClause:
			for _, assign := range n.Args {
				if assign.Value != nil {
					braces([]*syntax.Word{assign.Value})
				}
			}
		case *syntax.Word:
			tilde(n)
		}
		return err == nil
	})
	return err
}

// redirect goes on below a redirection. In a here-document nothing is special but $ and the backquote.
func redirect(r *syntax.Redirect) error {
	var errs []error
	if r.Word != nil {
		errs = append(errs, rewrite(r.Word))
	}
	if r.Hdoc != nil {
		for _, part := range r.Hdoc.Parts {
			errs = append(errs, rewrite(part))
		}
	}
	return errors.Join(errs...)
}

// substitution turns $( S ) into $( ( S ); _furl_settle ), which waits for what S left in the background: its output
// belongs to the text.
func substitution(c *syntax.CmdSubst) {
	if len(c.Stmts) == 0 || len(c.Stmts) == 1 && (c.Stmts[0].Cmd == nil || isCall(c.Stmts[0], spawnWord, nowWord)) {
		return // $(<file) is the interpreter's own
	}
	if len(c.Stmts) == 2 && isCall(c.Stmts[1], settleWord) {
		return // rewritten before
	}
	c.Stmts = []*syntax.Stmt{{Cmd: &syntax.Subshell{Stmts: c.Stmts}}, call(settleWord)}
}

func isCall(s *syntax.Stmt, names ...string) bool {
	call, is := s.Cmd.(*syntax.CallExpr)
	return is && len(call.Args) > 0 && slices.Contains(names, call.Args[0].Lit())
}

// parameter gives $! and $$ our numbers.
func parameter(p *syntax.ParamExp) {
	if p.Param == nil {
		return
	}
	switch p.Param.Value {
	case "!":
		p.Param.Value, p.Short = bgVariable, false
	case "$":
		p.Param.Value, p.Short = pidVariable, false
	}
}

// tilde makes ~name text; ~ and ~/x stay, they mean HOME.
func tilde(w *syntax.Word) {
	if len(w.Parts) == 0 {
		return
	}
	first, plain := w.Parts[0].(*syntax.Lit)
	if plain && len(first.Value) > 1 && first.Value[0] == '~' && first.Value[1] != '/' {
		w.Parts = slices.Concat([]syntax.WordPart{&syntax.SglQuoted{Value: "~"}, lit(first.Value[1:])}, w.Parts[1:])
	}
}

// braces makes { a letter in words.
func braces(words []*syntax.Word) {
	for _, w := range words {
		var parts []syntax.WordPart
		for _, part := range w.Parts {
			text, plain := part.(*syntax.Lit)
			if !plain {
				parts = append(parts, part)
				continue
			}
			parts = append(parts, unbraced(text.Value)...)
		}
		w.Parts = parts
	}
}

// unbraced quotes each { of a text that has no backslash before it.
func unbraced(text string) []syntax.WordPart {
	var parts []syntax.WordPart
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '{':
			if i > start {
				parts = append(parts, lit(text[start:i]))
			}
			parts = append(parts, &syntax.SglQuoted{Value: "{"})
			start = i + 1
		}
	}
	if start < len(text) || start == 0 {
		parts = append(parts, lit(text[start:]))
	}
	return parts
}

// ownName is the name under which a function is kept that is called as one of our builtins.
func ownName(name string) string { return "_furl_fn_" + name }

// shadow renames a function that is called as one of our builtins: those are found before functions otherwise.
func shadow(f *syntax.FuncDecl) {
	if f.Name != nil && replaced(f.Name.Value) {
		f.Name.Value = ownName(f.Name.Value)
	}
}

// replaced says whether the shell has its own command in the place of a builtin of the interpreter.
func replaced(name string) bool {
	switch name {
	case ":", "true", "false", "alias", "unalias", "cd", "getopts", "read", "break", "continue", "exec", "export", "readonly",
		"return", "set", "shift", "unset", "local", "hash", "shopt", "declare", "typeset", "let", "eval", ".", "source", "exit":
		return false
	}
	return interp.IsBuiltin(name)
}

// background turns `S &` into
//
//	{ _furl_bg=$(_furl_spawn 'S'); _furl_adopt $_furl_bg; { _furl_job=$_furl_bg; ( S ); _furl_done; } </dev/null & }
//
// which leaves the number of the new process in $!, notes where it writes, and tells it when it ends.
func background(s *syntax.Stmt) {
	if !s.Background || s.Cmd == nil || ours(s) {
		return
	}
	inner := *s
	inner.Background, inner.Comments = false, nil
	work := &syntax.Stmt{Cmd: &syntax.Subshell{Stmts: []*syntax.Stmt{&inner}}}
	child := &syntax.Stmt{
		Background: true,
		Cmd: &syntax.Block{Stmts: []*syntax.Stmt{
			assign(jobVariable, &syntax.ParamExp{Param: lit(bgVariable)}), work, call(doneWord),
		}},
		Redirs: []*syntax.Redirect{{Op: syntax.RdrIn, Word: word(lit("/dev/null"))}},
	}
	spawn := assign(bgVariable, &syntax.CmdSubst{Stmts: []*syntax.Stmt{call(spawnWord, describe(&inner))}})
	stmts := []*syntax.Stmt{spawn, child}
	if !toFile(&inner) {
		adopt := &syntax.Stmt{Cmd: &syntax.CallExpr{Args: []*syntax.Word{word(lit(adoptWord)), word(&syntax.ParamExp{Param: lit(bgVariable)})}}}
		stmts = []*syntax.Stmt{spawn, adopt, child}
	}
	*s = syntax.Stmt{Position: s.Position, Cmd: &syntax.Block{Stmts: stmts}}
}

// toFile says whether a command's standard output goes elsewhere by its own words.
func toFile(s *syntax.Stmt) bool {
	return slices.ContainsFunc(s.Redirs, func(r *syntax.Redirect) bool {
		switch r.Op { //nolint:exhaustive // the others read, or copy a stream
		case syntax.RdrOut, syntax.AppOut, syntax.RdrAll, syntax.AppAll, syntax.RdrClob:
			return r.N == nil || r.N.Value == "1"
		}
		return false
	})
}

// ours says whether a background command was rewritten before; walking meets it again.
func ours(s *syntax.Stmt) bool {
	block, isBlock := s.Cmd.(*syntax.Block)
	if !isBlock || len(block.Stmts) == 0 {
		return false
	}
	first, isCall := block.Stmts[0].Cmd.(*syntax.CallExpr)
	return isCall && len(first.Assigns) == 1 && first.Assigns[0].Name != nil && first.Assigns[0].Name.Value == jobVariable
}

// timing turns `time S` into `{ _furl_time=$(_furl_now); S; _furl_took "$_furl_time"; }`.
func timing(s *syntax.Stmt) {
	clause, isTime := s.Cmd.(*syntax.TimeClause)
	if !isTime || clause.Stmt == nil {
		return
	}
	start := assign(timeVar, &syntax.CmdSubst{Stmts: []*syntax.Stmt{call(nowWord)}})
	words := []*syntax.Word{word(lit(tookWord)), word(&syntax.ParamExp{Param: lit(timeVar)})}
	if clause.PosixFormat {
		words = slices.Insert(words, 1, word(lit("-p")))
	}
	end := &syntax.Stmt{Cmd: &syntax.CallExpr{Args: words}}
	s.Cmd = &syntax.Block{Stmts: []*syntax.Stmt{start, clause.Stmt, end}}
}

func lit(text string) *syntax.Lit { return &syntax.Lit{Value: text} }

func word(parts ...syntax.WordPart) *syntax.Word { return &syntax.Word{Parts: parts} }

func assign(name string, value syntax.WordPart) *syntax.Stmt {
	return &syntax.Stmt{Cmd: &syntax.CallExpr{Assigns: []*syntax.Assign{{Name: lit(name), Value: word(value)}}}}
}

func call(name string, args ...string) *syntax.Stmt {
	words := append(make([]*syntax.Word, 0, 1+len(args)), word(lit(name)))
	for _, arg := range args {
		words = append(words, word(&syntax.SglQuoted{Value: arg}))
	}
	return &syntax.Stmt{Cmd: &syntax.CallExpr{Args: words}}
}

// describe is the text of a command as ps and jobs show it: one line, without what single quotes could not hold.
func describe(s *syntax.Stmt) string {
	text := printed(s)
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "'", `"`)), " ")
	const longest = 80
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest-1]) + "…"
	}
	return text
}

// printed gives the source of a node.
func printed(node syntax.Node) string {
	var b strings.Builder
	if err := syntax.NewPrinter().Print(&b, node); err != nil {
		return ""
	}
	return b.String()
}
