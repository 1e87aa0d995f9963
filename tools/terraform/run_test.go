package terraform

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// program finds Terraform: the one built here, or whichever is installed.
func program(t *testing.T) string {
	t.Helper()
	built, err := filepath.Abs("../bin/terraform")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(built); err == nil {
		return built
	}
	found, err := exec.LookPath("terraform")
	if err != nil {
		t.Fatal("there is no terraform: make tools/bin/terraform builds it")
	}
	return found
}

// run calls Terraform in a folder, with nothing of the machine's own settings.
func run(t *testing.T, folder string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), args...)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + t.TempDir(), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func must(t *testing.T, folder string, args ...string) string {
	t.Helper()
	out, err := run(t, folder, args...)
	if err != nil {
		t.Fatalf("terraform %s in %s: %v\n%s", strings.Join(args, " "), folder, err, out)
	}
	return out
}

// workspace copies what Terraform reads and writes, so that a test may.
func workspace(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, part := range []string{"terraform", "nodepools", "examples/pod-autoscaling/keda"} {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(root, part))); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestFormat_is_terraforms(t *testing.T) {
	for _, folder := range []string{"terraform", "examples"} {
		if out, err := run(t, filepath.Join(root, folder), "fmt", "-check", "-recursive", "-diff", "-no-color"); err != nil {
			t.Errorf("run terraform fmt -recursive %s: %v\n%s", folder, err, out)
		}
	}
}

// modules with tests of their own, which need no provider.
func modules() []string {
	return []string{
		"terraform/modules/layout",
		"terraform/modules/files",
		"examples/pod-autoscaling/keda/terraform/modules/access",
		"examples/pod-autoscaling/keda/terraform/modules/manifests",
	}
}

func TestModules_pass_their_own_tests(t *testing.T) {
	tree := workspace(t)
	for _, module := range modules() {
		t.Run(filepath.Base(module), func(t *testing.T) {
			folder := filepath.Join(tree, module)
			must(t, folder, "init", "-backend=false", "-no-color")
			must(t, folder, "validate", "-no-color")
			out := must(t, folder, "test", "-no-color")
			if !strings.Contains(out, "Success!") || strings.Contains(out, "Success! 0 passed") {
				t.Errorf("no test ran:\n%s", out)
			}
		})
	}
}

// TestModules_with_tests_are_all_run: a new module cannot be forgotten above.
func TestModules_with_tests_are_all_run(t *testing.T) {
	listed := map[string]bool{}
	for _, m := range modules() {
		listed[filepath.Join(root, m)] = true
	}
	for _, folder := range folders(t) {
		if filepath.Base(filepath.Dir(folder)) != "modules" {
			continue
		}
		if files, err := filepath.Glob(filepath.Join(folder, "tests", "*.tftest.hcl")); err != nil || len(files) == 0 || !listed[folder] {
			t.Errorf("%s has no tests, or is not in modules()", folder)
		}
	}
}

// document is an IAM policy.
type document struct {
	Statement []struct {
		Effect    string
		Action    any
		Resource  any
		Principal any
		Condition map[string]map[string]any
	}
}

// TestPolicies_allow_the_queue_and_no_more reads what Terraform makes of both ways to an identity.
func TestPolicies_allow_the_queue_and_no_more(t *testing.T) {
	const queue = "arn:aws:sqs:us-west-2:111122223333:furl-keda"
	for _, identity := range []string{"irsa", "pod-identity"} {
		t.Run(identity, func(t *testing.T) {
			out := accessOutputs(t, identity)
			for _, party := range []string{"operator", "reader"} {
				for _, s := range decode(t, out[party]["policy"]).Statement {
					if s.Effect != "Allow" || s.Resource != queue {
						t.Errorf("%s: %+v, want Allow on %s only", party, s, queue)
					}
					noWildcard(t, party, s.Action)
				}
				for _, s := range decode(t, out[party]["trust"]).Statement {
					noWildcard(t, party, s.Principal)
					if len(s.Condition) != 1 || len(s.Condition["StringEquals"]) < 2 {
						t.Errorf("%s is trusted without a condition that names the service account: %+v", party, s)
					}
					noWildcard(t, party, s.Condition)
				}
			}
		})
	}
}

func accessOutputs(t *testing.T, identity string) map[string]map[string]string {
	t.Helper()
	folder := filepath.Join(workspace(t), "examples/pod-autoscaling/keda/terraform/modules/access")
	variables, err := json.Marshal(map[string]any{
		"name": "furl", "partition": "aws", "account": "111122223333", "region": "us-west-2", "identity": identity,
		"cluster": "arn:aws:eks:us-west-2:111122223333:cluster/furl", "oidc_provider": "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/A",
		"operators": []string{"keda:keda-sa", "keda:keda-operator"}, "readers": []string{"keda:sqs-reader-sa", "vllm:sqs-reader-sa"},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "terraform.tfvars.json"), string(variables))
	must(t, folder, "init", "-no-color")
	must(t, folder, "apply", "-auto-approve", "-no-color")
	all := map[string]map[string]string{}
	for _, party := range []string{"operator", "reader"} {
		var one map[string]string
		if err := json.Unmarshal([]byte(must(t, folder, "output", "-json", party)), &one); err != nil {
			t.Fatal(err)
		}
		all[party] = one
	}
	return all
}

func decode(t *testing.T, text string) document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Statement) == 0 {
		t.Fatalf("%q says nothing", text)
	}
	return d
}

func noWildcard(t *testing.T, whose string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "*") || string(text) == "null" {
		t.Errorf("%s: %s has a wildcard, or says nothing", whose, text)
	}
}

// caller is a root module that writes the manifests, as terraform/ of the
// example does, with what AWS would answer filled in.
const caller = `
module "manifests" {
  source    = "./examples/pod-autoscaling/keda/terraform/modules/manifests"
  folder    = "./examples/pod-autoscaling/keda"
  queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/blue-keda"
  region    = "eu-west-1"
  identity  = "irsa"
  operator  = "arn:aws:iam::111122223333:role/blue-keda-operator"
  reader    = "arn:aws:iam::111122223333:role/blue-sqs-reader"
}

module "files" {
  source = "./terraform/modules/files"
  files  = module.manifests.files
}
`

func TestManifests_are_written_by_apply_and_put_back_by_destroy(t *testing.T) {
	tree := workspace(t)
	manifests := filepath.Join(tree, "examples/pod-autoscaling/keda")
	shipped := texts(t, manifests)
	write(t, filepath.Join(tree, "main.tf"), caller)

	must(t, tree, "init", "-no-color")
	must(t, tree, "apply", "-auto-approve", "-no-color")
	written := texts(t, manifests)
	for name, text := range written {
		if strings.Contains(text, "000000000000") || strings.Contains(text, "us-west-2") {
			t.Errorf("%s still names what is nobody's:\n%s", name, text)
		}
	}
	if written["scaledObject.yaml"] == shipped["scaledObject.yaml"] {
		t.Error("apply left scaledObject.yaml as it was")
	}
	settled(t, tree)

	must(t, tree, "destroy", "-auto-approve", "-no-color")
	same(t, shipped, texts(t, manifests))
}

func same(t *testing.T, came, left map[string]string) {
	t.Helper()
	if diff := cmp.Diff(came, left); diff != "" {
		t.Errorf("destroy left the manifests other than they came (-came +left):\n%s", diff)
	}
}

// texts are the manifests of a folder and of those below.
func texts(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.yaml", "vllm-qwen3/*.yaml"} {
		paths, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name, err := filepath.Rel(folder, path)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = contents(t, path)
		}
	}
	if len(all) < 8 {
		t.Fatalf("found %d manifests in %s: the test looks in the wrong place", len(all), folder)
	}
	return all
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
