package policy

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// Loops of a formula: with lists of at most [maxFormulaMemory] elements and
// ranges of at most maxFormulaRange, an evaluation stays below a tenth of a second.
const (
	maxFormulaLoops = 2 // one in another
	maxFormulaRange = 100
)

// inspect notes what the formula uses and refuses what could run for long.
func (f *Formula) inspect(text string) error {
	tree, err := parser.Parse(text)
	if err != nil {
		return oneLine(err)
	}
	v := &inspection{names: map[string]bool{}}
	ast.Walk(&tree.Node, v)
	f.used, f.timed, f.everyName = v.names, v.timed, v.names["$env"]
	if v.err != nil {
		return v.err
	}
	return v.deep()
}

// inspection is a walk over the tree of a formula.
type inspection struct {
	names map[string]bool
	timed bool
	loops []*ast.BuiltinNode
	err   error
}

// Visit implements [ast.Visitor].
func (v *inspection) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		v.names[n.Value] = true
	case *ast.BuiltinNode:
		v.timed = v.timed || n.Name == "now"
		if isLoop(n) {
			v.loops = append(v.loops, n)
		}
	case *ast.BinaryNode:
		if err := shortRange(n); err != nil {
			v.err = err
		}
	}
}

func isLoop(n *ast.BuiltinNode) bool {
	for _, a := range n.Arguments {
		if _, ok := a.(*ast.PredicateNode); ok {
			return true
		}
	}
	return false
}

func shortRange(n *ast.BinaryNode) error {
	from, ok := n.Left.(*ast.IntegerNode)
	to, also := n.Right.(*ast.IntegerNode)
	if n.Operator != ".." || !ok || !also || to.Value-from.Value < maxFormulaRange {
		return nil
	}
	return fmt.Errorf("the range %d..%d is too long: write one of at most %d numbers", from.Value, to.Value, maxFormulaRange)
}

// deep refuses loops in loops in loops.
func (v *inspection) deep() error {
	around := map[*ast.BuiltinNode]int{}
	for _, outer := range v.loops {
		for i := range outer.Arguments {
			if _, ok := outer.Arguments[i].(*ast.PredicateNode); !ok {
				continue
			}
			inner := &inspection{names: map[string]bool{}}
			ast.Walk(&outer.Arguments[i], inner)
			for _, l := range inner.loops {
				around[l]++
				if around[l] >= maxFormulaLoops {
					return errors.New("three loops in one another are too many: write at most two")
				}
			}
		}
	}
	return nil
}
