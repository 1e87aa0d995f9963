package terraform

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// answers are what AWS would say about a thing, by its kind; NAME is the
// expression that our block gives as its name.
func answers() map[string]string {
	return map[string]string{
		"data.aws_availability_zones":          `{ names = ["us-west-2a", "us-west-2b", "us-west-2c", "us-west-2d"] }`,
		"data.aws_caller_identity":             `{ account_id = "111122223333" }`,
		"data.aws_eks_cluster":                 `{ arn = "arn:aws:eks:us-west-2:111122223333:cluster/${NAME}", identity = [{ oidc = [{ issuer = "https://oidc.example/id/A" }] }] }`,
		"data.aws_iam_openid_connect_provider": `{ arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A" }`,
		"data.aws_partition":                   `{ partition = "aws" }`,
		"aws_eks_access_entry":                 `{}`,
		"aws_eks_access_policy_association":    `{}`,
		"aws_eks_pod_identity_association":     `{}`,
		"aws_iam_role":                         `{ arn = "arn:aws:iam::111122223333:role/${NAME}" }`,
		"aws_iam_role_policy":                  `{}`,
		"aws_iam_role_policy_attachment":       `{}`,
		"aws_sqs_queue":                        `{ arn = "arn:aws:sqs:us-west-2:111122223333:${NAME}", id = "https://sqs.us-west-2.amazonaws.com/111122223333/${NAME}", url = "https://sqs.us-west-2.amazonaws.com/111122223333/${NAME}" }`,
		"aws_sqs_queue_policy":                 `{}`,
		"aws_sqs_queue_redrive_allow_policy":   `{}`,
		"aws_vpc_endpoint":                     `{}`,

		"terraform-aws-modules/vpc/aws": `{ vpc_id = "vpc-1", private_subnets = [for i, cidr in var.private_subnets : "subnet-${i}"], private_route_table_ids = ["rtb-1"] }`,
		"terraform-aws-modules/eks/aws": `{ cluster_name = var.name, oidc_provider_arn = "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A" }`,
	}
}

// A reference to a thing of AWS, with an attribute or, in depends_on, without:
// data.aws_x.y[0].z, aws_x.y.
var thing = regexp.MustCompile(`\b(data\.)?(aws_\w+)\.(\w+)((?:\[[^]]*\])?)(\.\w)?`)

// withoutAWS rewrites the files of a folder so that Terraform can apply them
// with nothing but what is built in: each thing of AWS becomes a terraform_data
// that holds the arguments and AWS's answer, each module of the registry an
// empty one with the same variables and outputs. What is ours is left: every
// expression, condition, loop and reference is evaluated as it stands.
func withoutAWS(t *testing.T, folder string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no .tf in %s: %v", folder, err)
	}
	for _, path := range paths {
		before, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			t.Fatal(err)
		}
		file, diags := hclwrite.ParseConfig(before, path, hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		var after strings.Builder
		for _, b := range file.Body().Blocks() {
			after.WriteString(standIn(t, folder, b))
		}
		write(t, path, after.String())
	}
}

func standIn(t *testing.T, folder string, b *hclwrite.Block) string {
	t.Helper()
	switch {
	case b.Type() == "terraform":
		return ""
	case b.Type() == "provider":
		return provider(b)
	case b.Type() == "data" || b.Type() == "resource":
		return refer(ofAWS(t, b))
	case b.Type() == "module" && b.Body().GetAttribute("version") != nil:
		source := strings.Trim(expression(b, "source"), `"`)
		standInModule(t, filepath.Join(folder, "standin", filepath.Base(filepath.Dir(source))), source)
		b.Body().RemoveAttribute("version")
		return refer(strings.Replace(string(b.BuildTokens(nil).Bytes()), source, "./standin/"+filepath.Base(filepath.Dir(source)), 1))
	}
	return refer(string(b.BuildTokens(nil).Bytes()))
}

// ofAWS is the terraform_data for a thing of AWS.
func ofAWS(t *testing.T, b *hclwrite.Block) string {
	t.Helper()
	kind, label := b.Labels()[0], strings.Join(b.Labels(), "_")
	if b.Type() == "data" {
		kind, label = "data."+kind, "data_"+label
	}
	answer, ok := answers()[kind]
	if !ok {
		t.Fatalf("nobody answers for %s: say in answers() what AWS says about one", kind)
	}
	var meta, given strings.Builder
	for _, name := range slices.Sorted(maps.Keys(b.Body().Attributes())) {
		to := &given
		if isMeta(name) {
			to = &meta
		}
		fmt.Fprintf(to, "    %s = %s\n", name, expression(b, name))
	}
	for _, inner := range b.Body().Blocks() {
		if inner.Type() == "lifecycle" {
			meta.Write(inner.BuildTokens(nil).Bytes())
		}
	}
	answer = strings.ReplaceAll(answer, "NAME", expression(b, "name"))
	const form = "resource \"terraform_data\" %q {\n%s  triggers_replace = terraform_data.provider.id\n  input = merge({\n%s  }, %s)\n}\n"
	return fmt.Sprintf(form, label, meta.String(), given.String(), answer)
}

// provider is what every thing of AWS waits for, with what it is configured by:
// a provider that is configured by what it makes is found so.
func provider(b *hclwrite.Block) string {
	var tags string
	for _, inner := range b.Body().Blocks() {
		tags = expression(inner, "tags")
	}
	return fmt.Sprintf("resource \"terraform_data\" \"provider\" {\n  input = { region = %s, tags = %s }\n}\n", expression(b, "region"), tags)
}

func expression(b *hclwrite.Block, name string) string {
	a := b.Body().GetAttribute(name)
	if a == nil {
		return "null"
	}
	return strings.TrimSpace(string(a.Expr().BuildTokens(nil).Bytes()))
}

// refer leads references to the stand-ins.
func refer(text string) string {
	text = thing.ReplaceAllStringFunc(text, func(s string) string {
		m := thing.FindStringSubmatch(s)
		if m[5] != "" {
			m[5] = ".output" + m[5]
		}
		return fmt.Sprintf("terraform_data.%s%s_%s%s%s", strings.ReplaceAll(m[1], ".", "_"), m[2], m[3], m[4], m[5])
	})
	return strings.ReplaceAll(text, "self.", "self.output.")
}

// standInModule writes a module with the variables and outputs of one of the registry.
func standInModule(t *testing.T, folder, source string) {
	t.Helper()
	m, ok := schemas(t).Modules[source]
	if !ok {
		t.Fatalf("%s is not in schemas.json", source)
	}
	var text strings.Builder
	for _, name := range m.Required {
		fmt.Fprintf(&text, "variable %q {}\n", name)
	}
	for _, name := range m.Optional {
		fmt.Fprintf(&text, "variable %q { default = null }\n", name)
	}
	fmt.Fprintf(&text, "locals { answers = %s }\n", answers()[source])
	for _, name := range m.Outputs {
		fmt.Fprintf(&text, "output %q { value = try(local.answers.%s, null) }\n", name, name)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "main.tf"), text.String())
}

func TestQueue_applies_with_answers_in_place_of_aws(t *testing.T) {
	for _, identity := range []string{"irsa", "pod-identity"} {
		t.Run(identity, func(t *testing.T) {
			tree := workspace(t)
			example := filepath.Join(tree, "examples/pod-autoscaling/keda")
			folder := filepath.Join(example, "terraform")
			shipped := texts(t, example)
			withoutAWS(t, folder)

			must(t, folder, "init", "-no-color")
			must(t, folder, "apply", "-auto-approve", "-no-color", "-var", "identity="+identity)
			if got, want := must(t, folder, "output", "-raw", "sqs_url"), "https://sqs.us-west-2.amazonaws.com/111122223333/furl-keda"; got != want {
				t.Errorf("sqs_url: %q, want %q", got, want)
			}
			written := texts(t, example)
			if !strings.Contains(written["scaledObject.yaml"], "/111122223333/furl-keda\n") {
				t.Errorf("scaledObject.yaml has no queue of the account:\n%s", written["scaledObject.yaml"])
			}
			annotated := strings.Contains(written["keda-service-account.yaml"], "\n    eks.amazonaws.com/role-arn: arn:aws:iam::111122223333:role/furl-keda-operator")
			associations := strings.Count(must(t, folder, "state", "list"), "aws_eks_pod_identity_association_this[")
			if annotated != (identity == "irsa") || (associations == 4) != (identity == "pod-identity") {
				t.Errorf("annotated: %v, associations: %d", annotated, associations)
			}
			settled(t, folder, "-var", "identity="+identity)

			must(t, folder, "destroy", "-auto-approve", "-no-color", "-var", "identity="+identity)
			same(t, shipped, texts(t, example))
		})
	}
}

func TestCluster_applies_with_answers_in_place_of_aws(t *testing.T) {
	for _, name := range []string{"furl", "blue"} {
		t.Run(name, func(t *testing.T) {
			tree := workspace(t)
			folder, pool := filepath.Join(tree, "terraform"), filepath.Join(tree, "nodepools/gpu-nodepool.yaml")
			shipped := contents(t, pool)
			withoutAWS(t, folder)

			must(t, folder, "init", "-no-color")
			must(t, folder, "apply", "-auto-approve", "-no-color", "-var", "name="+name)
			if got, want := must(t, folder, "output", "-raw", "configure_kubectl"), "aws eks update-kubeconfig --region us-west-2 --name "+name; got != want {
				t.Errorf("configure_kubectl: %q, want %q", got, want)
			}
			role := must(t, folder, "output", "-raw", "node_iam_role_name")
			if got := contents(t, pool); !strings.Contains(got, "role: "+role+"\n") || (got == shipped) != (name == "furl") {
				t.Errorf("the pool of %s, with the role %s:\n%s", name, role, got)
			}
			settled(t, folder, "-var", "name="+name)

			must(t, folder, "destroy", "-auto-approve", "-no-color", "-var", "name="+name)
			if got := contents(t, pool); got != shipped {
				t.Errorf("destroy left the pool as\n%s", got)
			}
		})
	}
}

// settled: a second apply would change nothing.
func settled(t *testing.T, folder string, variables ...string) {
	t.Helper()
	out, err := run(t, folder, append([]string{"plan", "-detailed-exitcode", "-no-color"}, variables...)...)
	if err != nil {
		t.Errorf("a second apply would change something: %v\n%s", err, out)
	}
}
