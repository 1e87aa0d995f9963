package page_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/page"
	"github.com/google/go-cmp/cmp"
)

type settings struct {
	URL     string        `cfg:"serverAddress;url,from=meta;env" example:"http://prometheus:9090" doc:"where the server is"`
	Target  float64       `cfg:"threshold,role=target" doc:"value for one replica"`
	Mode    string        `cfg:"mode,enum=a;b,default=a" doc:"a|b: how it is read"`
	Auth    []string      `cfg:"authModes,set=basic;bearer,optional" doc:"how to authenticate"`
	Token   string        `cfg:"token,from=auth,secret" doc:"token of the server"`
	Timeout time.Duration `cfg:"timeout,optional" doc:"how long an answer may take"`
	Old     string        `cfg:"metric,deprecated=write query" doc:"formerly what to ask"`
	Late    bool          `cfg:"late,optional,announce=write mode" doc:"formerly the mode"`
}

func kind() trigger.Kind { return trigger.DefineResource[settings]("gauge", "Reads a number.") }

// TestPages compares with testdata, which UPDATE=1 writes.
func TestPages(t *testing.T) {
	schema, err := page.Schema(kind())
	if err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string]string{
		"gauge.md":          page.Markdown(kind()),
		"gauge.schema.json": string(schema) + "\n",
		"index.md":          page.Index([]trigger.Kind{kind()}),
	} {
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile("testdata/"+file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile("testdata/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestSchema_takes_any_key_where_the_kind_does(t *testing.T) {
	k := kind()
	for _, anyKey := range []bool{false, true} {
		k.AnyKey = anyKey
		text, err := page.Schema(k)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Additional any `json:"additionalProperties"`
		}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		if open := s.Additional != false; open != anyKey {
			t.Errorf("any key %v: additionalProperties is %v", anyKey, s.Additional)
		}
	}
}
