// Command schemas writes down what the blocks of our Terraform may say, from the provider's and the modules' own sources.
//
//	npm pack @cdktf/provider-aws@21.22.1 && tar xzf cdktf-provider-aws-21.22.1.tgz
//	git clone --branch v6.6.0  https://github.com/terraform-aws-modules/terraform-aws-vpc vpc
//	git clone --branch v21.19.0 https://github.com/terraform-aws-modules/terraform-aws-eks eks
//	go run ./schemas -provider package -module vpc=vpc -module eks=eks
//
// It is run by hand when a resource or a version is new, so that tests need neither npm nor the network.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/furl-dev/furl/tools/terraform"
)

// wanted are the kinds of blocks that our Terraform has, by the folder of the package that describes them.
var wanted = []string{ //nolint:gochecknoglobals // never changes
	"data-aws-availability-zones", "data-aws-caller-identity", "data-aws-eks-cluster", "data-aws-iam-openid-connect-provider", "data-aws-partition",
	"eks-access-entry", "eks-access-policy-association", "eks-pod-identity-association",
	"iam-role", "iam-role-policy", "iam-role-policy-attachment",
	"sqs-queue", "sqs-queue-policy", "sqs-queue-redrive-allow-policy",
	"vpc-endpoint",
}

func main() {
	modules := map[string]string{}
	provider := flag.String("provider", "package", "folder of the unpacked npm package @cdktf/provider-aws")
	out := flag.String("out", "schemas/schemas.json", "file to write")
	flag.Func("module", "NAME=FOLDER of a Terraform module, again for each", func(s string) error {
		name, folder, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q is not NAME=FOLDER, such as vpc=terraform-aws-vpc", s)
		}
		modules[name] = folder
		return nil
	})
	flag.Parse()
	if err := run(*provider, modules, *out); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(provider string, modules map[string]string, out string) error {
	if len(modules) == 0 {
		return errors.New("no -module: the modules of terraform/ are needed too")
	}
	all := terraform.Schemas{Resources: map[string]terraform.Block{}, Data: map[string]terraform.Block{}, Modules: map[string]terraform.Module{}}
	for _, folder := range wanted {
		if err := addResource(&all, provider, folder); err != nil {
			return err
		}
	}
	for name, folder := range modules {
		m, err := readModule(folder)
		if err != nil {
			return err
		}
		all.Modules["terraform-aws-modules/"+name+"/aws"] = m
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Clean(out), append(text, '\n'), 0o644) //nolint:gosec // as git has it
}
