package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/furl-dev/furl/tools/terraform"
	"github.com/google/go-cmp/cmp"
)

// shape is a resource in the package's form: an argument, one that must be
// there, a block, and what can only be read.
const shape = `import * as cdktf from 'cdktf';
export interface ThingConfig extends cdktf.TerraformMetaArguments {
    /**
    * Docs at Terraform Registry: {@link https://registry.example/providers/hashicorp/aws/6.25.0/docs/resources/thing#cluster_name Thing#cluster_name}
    */
    readonly clusterName: string;
    /**
    * Docs at Terraform Registry: {@link https://registry.example/providers/hashicorp/aws/6.25.0/docs/resources/thing#tags Thing#tags}
    */
    readonly tags?: {
        [key: string]: string;
    };
    /**
    * access_scope block
    *
    * Docs at Terraform Registry: {@link https://registry.example/providers/hashicorp/aws/6.25.0/docs/resources/thing#access_scope Thing#access_scope}
    */
    readonly accessScope: ThingAccessScope[] | cdktf.IResolvable;
}
export interface ThingAccessScope {
    /**
    * Docs at Terraform Registry: {@link https://registry.example/providers/hashicorp/aws/6.25.0/docs/resources/thing#type Thing#type}
    */
    readonly type: string;
}
export declare class ThingAccessScopeOutputReference extends cdktf.ComplexObject {
    get type(): string;
}
export declare class Thing extends cdktf.TerraformResource {
    static readonly tfResourceType = "aws_thing";
    get clusterName(): string;
    get clusterNameInput(): string | undefined;
    get createdAt(): string;
}
`

func TestResource_is_read_from_the_packages_form(t *testing.T) {
	provider := t.TempDir()
	folder := filepath.Join(provider, "lib", "thing")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "index.d.ts"), []byte(shape), 0o600); err != nil {
		t.Fatal(err)
	}
	all := terraform.Schemas{Resources: map[string]terraform.Block{}, Data: map[string]terraform.Block{}}
	if err := addResource(&all, provider, "thing"); err != nil {
		t.Fatal(err)
	}
	want := terraform.Schemas{
		Provider: "hashicorp/aws 6.25.0",
		Resources: map[string]terraform.Block{"aws_thing": {
			Required: []string{"cluster_name", "access_scope"},
			Optional: []string{"tags"},
			Computed: []string{"created_at"},
			Blocks:   map[string]terraform.Block{"access_scope": {Required: []string{"type"}}},
		}},
		Data: map[string]terraform.Block{},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
}
