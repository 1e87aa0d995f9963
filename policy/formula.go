package policy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Formula is a compiled expression over the values of triggers, in the language
// of KEDA's scalingModifiers. It is safe for concurrent use.
type Formula struct {
	source    string
	program   *vm.Program
	used      map[string]bool
	everyName bool // the formula can reach all variables, such as by $env
	timed     bool // the formula asks for the time
}

// Bounds of one evaluation, far beyond what a formula over triggers needs.
const (
	maxFormulaBytes  = 4 << 10
	maxFormulaNodes  = 1000
	maxFormulaMemory = 10_000 // elements of all lists made in one evaluation
)

// CompileFormula compiles a formula over the named triggers. The same formulas
// compile as in KEDA, which tries each on values of -1, except those that could
// run for seconds.
func CompileFormula(source string, triggers []string) (*Formula, error) {
	if len(source) > maxFormulaBytes {
		return nil, fmt.Errorf("formula of %d bytes: write at most %d", len(source), maxFormulaBytes)
	}
	f := &Formula{source: source}
	text := asFloat(source)
	if err := f.inspect(text); err != nil {
		return nil, fmt.Errorf("formula %q: %w", source, err)
	}
	dummy := make(map[string]float64, len(triggers))
	for _, name := range triggers {
		dummy[name] = -1
	}
	var err error
	if f.program, err = expr.Compile(text, expr.Env(dummy), expr.MaxNodes(maxFormulaNodes)); err != nil {
		return nil, fmt.Errorf("formula %q: %w", source, oneLine(err))
	}
	if f.timed {
		if f.program, err = compileTimed(text, triggers); err != nil {
			return nil, fmt.Errorf("formula %q: %w", source, oneLine(err))
		}
	}
	if _, err := f.run(time.Time{}, dummy); err != nil {
		return nil, fmt.Errorf("formula %q, tried with -1 for each trigger: %w", source, oneLine(err))
	}
	return f, nil
}

// compileTimed compiles a formula that calls now(), so that it is told the
// instant instead of asking the clock: a decision can be repeated.
func compileTimed(text string, triggers []string) (*vm.Program, error) {
	env := types.Map{"now": types.TypeOf(func() time.Time { return time.Time{} })}
	for _, name := range triggers {
		env[name] = types.Float64
	}
	return expr.Compile(text, expr.Env(env), expr.DisableBuiltin("now"), expr.MaxNodes(maxFormulaNodes))
}

// asFloat casts the result to a number, as KEDA does; one that may be nil stays nil.
func asFloat(source string) string {
	const result = "let _kedaCompositeResult = "
	switch {
	case strings.Contains(source, "??") && strings.HasPrefix(source, result):
		return source
	case strings.Contains(source, "??"):
		return fmt.Sprintf("%s(%s); _kedaCompositeResult == nil ? nil : float(_kedaCompositeResult)", result, source)
	case strings.HasPrefix(source, "float("):
		return source
	default:
		return "float(" + source + ")"
	}
}

// String returns the formula as the user wrote it.
func (f *Formula) String() string { return f.source }

// Compiled returns the formula as it is evaluated, cast to a number.
func (f *Formula) Compiled() string { return asFloat(f.source) }

// Uses says whether the value of a trigger can change the result.
func (f *Formula) Uses(trigger string) bool { return f.everyName || f.used[trigger] }

// Eval implements [engine.Formula]: a trigger that values do not have is nil.
func (f *Formula) Eval(at time.Time, values map[string]float64) (result float64, ok bool, err error) {
	v, err := f.run(at, values)
	if err != nil {
		return 0, false, oneLine(err)
	}
	switch v := v.(type) {
	case nil:
		return 0, false, nil
	case float64:
		return v, true, nil
	default:
		return 0, false, fmt.Errorf("the result is %v, no number", v)
	}
}

func (f *Formula) run(at time.Time, values map[string]float64) (any, error) {
	env := make(map[string]any, len(values)+1)
	for name, v := range values {
		env[name] = v
	}
	if f.timed {
		env["now"] = at.UTC
	}
	machine := vm.VM{MemoryBudget: maxFormulaMemory}
	return machine.Run(f.program, env)
}

// oneLine cuts off the drawing of the formula below the message.
func oneLine(err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(text)
}
