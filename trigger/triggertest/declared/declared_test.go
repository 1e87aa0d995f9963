package declared_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest/declared"
	"github.com/google/go-cmp/cmp"
)

// record is what KEDA's parser was given and what it gave.
type record struct {
	ID    string
	Input struct {
		Fields   []declared.Field
		Metadata map[string]string `json:"trigger_metadata"`
		Auth     map[string]string `json:"auth_params"`
		Env      map[string]string `json:"resolved_env"`
		Type     string            `json:"trigger_type"`
	}
	Expected struct {
		Error  *string
		Values json.RawMessage `json:"values_by_parameter"`
	}
}

// TestRecords holds the decoder against what KEDA's parser did.
func TestRecords(t *testing.T) {
	for _, file := range []string{"typed_config.json", "extra_typed_config.json"} {
		for _, r := range records(t, file) {
			t.Run(r.ID, func(t *testing.T) { r.check(t) })
		}
	}
}

func records(t *testing.T, file string) []record {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../conformance/testdata/keda", file))
	if err != nil {
		t.Fatal(err)
	}
	var rs []record
	if err := json.Unmarshal(b, &rs); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(rs) == 0 {
		t.Fatalf("%s has no records", file)
	}
	return rs
}

func (r record) check(t *testing.T) {
	k, err := declared.Kind(r.Input.Type, r.Input.Fields)
	if err != nil {
		t.Fatal(err)
	}
	c, err := k.Decode(trigger.Input{Metadata: r.Input.Metadata, Auth: r.Input.Auth, Env: r.Input.Env})
	if r.Expected.Error != nil {
		if _, ok := errors.AsType[*trigger.FieldError](err); !ok {
			t.Errorf("got %v, want an error that names a setting, as KEDA's %s", err, *r.Expected.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(declared.Values(c))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(plain(t, r.Expected.Values), plain(t, got)); diff != "" {
		t.Errorf("values (-KEDA +Furl):\n%s", diff)
	}
}

// plain is JSON as values, numbers as they are written.
func plain(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestKind_knows_no_other_type(t *testing.T) {
	if _, err := declared.Kind("x", []declared.Field{{Name: "C", GoType: "chan int"}}); err == nil {
		t.Error("a channel was taken as a setting")
	}
}
