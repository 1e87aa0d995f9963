package terraform

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

var (
	exactly = regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	patches = regexp.MustCompile(`^~> \d+\.\d+\.\d+$`)
)

// BrokenRules names what breaks a rule of this project; each rule is one function below.
func BrokenRules(c Config) []string {
	var broken []string
	say := func(b *hclsyntax.Block, why string) { broken = append(broken, named(b)+": "+why) }
	for _, b := range c.Blocks {
		switch b.Type {
		case "terraform":
			pinned(b, say)
		case "module":
			pinnedModule(b, say)
		case "resource":
			encrypted(b, say)
			documented(b, say)
			goneWithDestroy(b, say)
		}
		allowsNotEverything(b, say)
	}
	return broken
}

// pinned: providers move by patches only, and the lowest Terraform is said.
func pinned(b *hclsyntax.Block, say func(*hclsyntax.Block, string)) {
	if text(b.Body, "required_version") == "" {
		say(b, "required_version is missing")
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type != "required_providers" {
			continue
		}
		for name, a := range inner.Body.Attributes {
			v, diags := a.Expr.Value(nil)
			if diags.HasErrors() || !v.Type().HasAttribute("version") || !patches.MatchString(v.GetAttr("version").AsString()) {
				say(b, fmt.Sprintf("provider %s has no version such as \"~> 6.59.0\"", name))
			}
		}
	}
}

// pinnedModule: what comes from a registry comes in one version.
func pinnedModule(b *hclsyntax.Block, say func(*hclsyntax.Block, string)) {
	if !strings.HasPrefix(text(b.Body, "source"), ".") && !exactly.MatchString(text(b.Body, "version")) {
		say(b, "a module of a registry needs one exact version, such as 6.6.0")
	}
}

// encrypted: a queue is, by itself or by a key.
func encrypted(b *hclsyntax.Block, say func(*hclsyntax.Block, string)) {
	if b.Labels[0] == "aws_sqs_queue" && !isTrue(b.Body, "sqs_managed_sse_enabled") && b.Body.Attributes["kms_master_key_id"] == nil {
		say(b, "not encrypted: sqs_managed_sse_enabled = true, or a key")
	}
}

// documented: who may do what is worked out in a module whose tests read it, never on the spot.
func documented(b *hclsyntax.Block, say func(*hclsyntax.Block, string)) {
	for _, name := range []string{"policy", "assume_role_policy", "redrive_policy", "redrive_allow_policy"} {
		if a := b.Body.Attributes[name]; a != nil && !fromModule(a.Expr) {
			say(b, name+" does not come from a module that tests it")
		}
	}
	if a := b.Body.Attributes["for_each"]; b.Labels[0] == "aws_iam_role_policy_attachment" && (a == nil || !fromModule(a.Expr)) {
		say(b, "attaches a policy that no tested module lists: for_each over an output of one")
	}
}

// fromModule says whether an expression has all it knows from modules, or from a for_each that is read beside it.
func fromModule(e hclsyntax.Expression) bool {
	all := e.Variables()
	return len(all) > 0 && !slices.ContainsFunc(all, func(t hcl.Traversal) bool { return t.RootName() != "module" && t.RootName() != "each" })
}

// goneWithDestroy: roles go whatever somebody attached, and no policy of its own is left over.
func goneWithDestroy(b *hclsyntax.Block, say func(*hclsyntax.Block, string)) {
	if b.Labels[0] == "aws_iam_role" && !isTrue(b.Body, "force_detach_policies") {
		say(b, "force_detach_policies = true is missing: destroy would stop at what others attached")
	}
	if b.Labels[0] == "aws_iam_policy" {
		say(b, "an inline aws_iam_role_policy goes with its role, this may be left over")
	}
	if isTrue(b.Body, "skip_destroy") {
		say(b, "skip_destroy leaves it behind")
	}
}

// allowsNotEverything: no object that says Allow says a wildcard, wherever it stands.
func allowsNotEverything(b *hclsyntax.Block, say func(*hclsyntax.Block, string)) {
	_ = hclsyntax.VisitAll(b.Body, func(node hclsyntax.Node) hcl.Diagnostics {
		object, ok := node.(*hclsyntax.ObjectConsExpr)
		if !ok || !slices.Contains(literals(object), "Allow") {
			return nil
		}
		for _, s := range literals(object) {
			if strings.HasSuffix(s, "*") {
				say(b, fmt.Sprintf("line %d allows %q", object.SrcRange.Start.Line, s))
			}
		}
		return nil
	})
}

// literals are the plain strings in an expression.
func literals(e hclsyntax.Expression) []string {
	var all []string
	_ = hclsyntax.VisitAll(e, func(node hclsyntax.Node) hcl.Diagnostics {
		if l, ok := node.(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
			all = append(all, l.Val.AsString())
		}
		return nil
	})
	return all
}
