package terraform

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// folders of this tree that hold Terraform.
func folders(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, top := range []string{"terraform", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() && d.Name() == ".terraform" {
				return filepath.SkipDir
			}
			if err == nil && filepath.Ext(path) == ".tf" && !slices.Contains(all, filepath.Dir(path)) {
				all = append(all, filepath.Dir(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(all) < 6 {
		t.Fatalf("found only %q: the test looks in the wrong place", all)
	}
	return all
}

func schemas(t *testing.T) Schemas {
	t.Helper()
	s, err := ReadSchemas("schemas/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// each checks every folder of this tree.
func each(t *testing.T, check func(Config) []string) {
	t.Helper()
	for _, folder := range folders(t) {
		c, err := ReadConfig(folder)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, wrong := range check(c) {
			t.Error(wrong)
		}
	}
}

func TestBlocks_say_what_the_provider_and_the_modules_know(t *testing.T) {
	known := schemas(t)
	each(t, func(c Config) []string { return WrongArguments(c, known) })
}

func TestReferences_lead_somewhere(t *testing.T) {
	known := schemas(t)
	each(t, func(c Config) []string { return WrongReferences(c, known) })
}

func TestRules_hold(t *testing.T) { each(t, BrokenRules) }

// TestMistakes_are_found: each check finds what it is there for.
func TestMistakes_are_found(t *testing.T) {
	known := schemas(t)
	arguments := func(c Config) []string { return WrongArguments(c, known) }
	references := func(c Config) []string { return WrongReferences(c, known) }
	const sealed = `sqs_managed_sse_enabled = true`
	for _, test := range []struct {
		why   string
		check func(Config) []string
		hcl   string
		want  string
	}{
		{"a typo", arguments, `resource "aws_sqs_queue" "q" { visibility_timeout = 3 }`, "there is no argument visibility_timeout"},
		{"what can only be read", arguments, `resource "aws_sqs_queue" "q" { arn = "x" }`, "there is no argument arn"},
		{"a required argument", arguments, `resource "aws_iam_role" "r" { name = "r" }`, "assume_role_policy is missing"},
		{"a required block", arguments, `resource "aws_eks_access_policy_association" "a" {
			cluster_name = "c"
			policy_arn = "p"
			principal_arn = "r"
		}`, "access_scope is missing"},
		{"a block as an argument", arguments, `data "aws_availability_zones" "a" { filter = [] }`, "filter is a block"},
		{"a typo in a block", arguments, `data "aws_availability_zones" "a" {
			filter {
				name = "n"
				value = "v"
			}
		}`, "filter: there is no argument value"},
		{"a dynamic block", arguments, `data "aws_availability_zones" "a" {
			dynamic "filter" {
				for_each = []
				content { names = "n" }
			}
		}`, "filter: there is no argument names"},
		{"a block that is none", arguments, `resource "aws_sqs_queue" "q" {
			redrive {}
		}`, "there is no block redrive"},
		{"a kind nobody looked up", arguments, `resource "aws_s3_bucket" "b" {}`, "not in schemas.json"},
		{"a variable of a module", arguments, `module "eks" {
			source = "terraform-aws-modules/eks/aws"
			cluster_name = "the name of version 20"
		}`, "the module has no variable cluster_name"},
		{"an unknown module", arguments, `module "x" { source = "somebody/x/aws" }`, "not in schemas.json"},

		{"an undeclared variable", references, `output "o" { value = var.x }`, "var.x is not declared"},
		{"an attribute that is none", references, `resource "aws_sqs_queue" "q" {}
			output "o" { value = "${aws_sqs_queue.q.link}/" }`, "aws_sqs_queue.q has no link"},
		{"an output that is none", references, `module "vpc" { source = "terraform-aws-modules/vpc/aws" }
			output "o" { value = [for s in module.vpc.subnets : s] }`, "module.vpc has no subnets"},
		{"data that is not asked for", references, `output "o" { value = data.aws_partition.current.partition }`, "data.aws_partition.current is not declared"},
		{"a variable for nobody", references, `variable "x" {}`, "nothing uses it"},
		{"a local for nobody", references, `locals { x = 1 }`, "nothing uses local.x"},

		{"a provider that may change", BrokenRules, `terraform {
			required_version = ">= 1.11"
			required_providers { aws = { source = "hashicorp/aws", version = ">= 6.0" } }
		}`, "provider aws has no version"},
		{"no lowest Terraform", BrokenRules, `terraform {}`, "required_version is missing"},
		{"a module that may change", BrokenRules, `module "vpc" {
			source = "terraform-aws-modules/vpc/aws"
			version = "~> 6.0"
		}`, "one exact version"},
		{"a queue in the clear", BrokenRules, `resource "aws_sqs_queue" "q" { sqs_managed_sse_enabled = false }`, "not encrypted"},
		{"a policy on the spot", BrokenRules, `resource "aws_sqs_queue" "q" {
			` + sealed + `
			policy = "{}"
		}`, "policy does not come from a module that tests it"},
		{"a policy from elsewhere", BrokenRules, `resource "aws_iam_role_policy" "p" { policy = data.aws_iam_policy_document.p.json }`, "does not come from a module that tests it"},
		{"an administrator", BrokenRules, `resource "aws_iam_role_policy_attachment" "a" { policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess" }`, "no tested module lists"},
		{"a role that stays", BrokenRules, `resource "aws_iam_role" "r" { assume_role_policy = module.m.trust }`, "force_detach_policies"},
		{"a policy that stays", BrokenRules, `resource "aws_iam_policy" "p" { policy = module.m.policy }`, "may be left over"},
		{"a log that stays", BrokenRules, `resource "aws_cloudwatch_log_group" "l" { skip_destroy = true }`, "leaves it behind"},
		{"any resource", BrokenRules, `output "policy" { value = jsonencode({ Statement = [{ Effect = "Allow", Action = ["sqs:SendMessage"], Resource = "*" }] }) }`, `allows "*"`},
		{"any action", BrokenRules, `output "policy" { value = { Effect = "Allow", Action = "sqs:*", Resource = "q" } }`, `allows "sqs:*"`},
		{"any queue", BrokenRules, `output "policy" { value = { Effect = "Allow", Resource = "arn:aws:sqs:us-west-2:1:*" } }`, "allows"},
		{"anybody", BrokenRules, `output "trust" { value = { Effect = "Allow", Principal = { AWS = "*" } } }`, `allows "*"`},
	} {
		t.Run(test.why, func(t *testing.T) {
			got := strings.Join(test.check(parse(t, test.hcl)), "\n")
			if !strings.Contains(got, test.want) {
				t.Errorf("found %q, want %q", got, test.want)
			}
		})
	}
}

func TestMistakes_are_not_found_where_none_are(t *testing.T) {
	known := schemas(t)
	c := parse(t, `
		terraform {
			required_version = ">= 1.11"
			required_providers { aws = { source = "hashicorp/aws", version = "~> 6.59.0" } }
		}
		variable "names" { type = set(string) }
		resource "aws_sqs_queue" "q" {
			for_each = var.names
			name = each.key
			sqs_managed_sse_enabled = true
			lifecycle { ignore_changes = [tags] }
			timeouts { create = "1m" }
		}
		output "policy" { value = jsonencode({ Effect = "Deny", Principal = "*", Action = "sqs:*", Resource = [for q in aws_sqs_queue.q : q.arn] }) }
	`)
	if wrong := slices.Concat(WrongArguments(c, known), WrongReferences(c, known), BrokenRules(c)); len(wrong) > 0 {
		t.Errorf("found %q", wrong)
	}
}

func parse(t *testing.T, hcl string) Config {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "main.tf"), []byte(hcl), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadConfig(folder)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
