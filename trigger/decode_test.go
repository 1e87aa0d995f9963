package trigger_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
)

type queue struct {
	URL        string  `cfg:"queueURL,from=meta;env" doc:"URL of the queue"`
	Length     float64 `cfg:"queueLength,default=5,role=target" doc:"messages one replica should have"`
	Activation float64 `cfg:"activationQueueLength,default=0,role=activation" doc:"messages above which there is work"`
	Region     string  `cfg:"awsRegion,from=meta;auth" doc:"region"`
	Owner      string  `cfg:"identityOwner,enum=pod;operator,default=pod" doc:"whose identity"`
	Old        string  `cfg:"old,deprecated=write queueURL" doc:"formerly the URL"`
	Late       string  `cfg:"late,optional,announce=write identityOwner" doc:"formerly the owner"`
	Login
	Identity trigger.Identity
}

type Login struct {
	User     string `cfg:"user,from=auth,optional" doc:"user"`
	Password string `cfg:"password;pass,from=auth;env,optional,secret" doc:"password"`
	Count    int    `cfg:"count,from=auth,optional" doc:"a number that is nobody's to read"`
}

func (q queue) MetricName() string { return "aws-sqs-" + q.URL }

func (l Login) Validate() error {
	if l.User != "" && l.Password == "wrong-one" {
		return fmt.Errorf("password %q is wrong", l.Password)
	}
	return nil
}

func kind() trigger.Kind {
	return trigger.Define("aws-sqs-queue", "Scales on the length of a queue.",
		func(_ context.Context, q queue, _ trigger.Env) (trigger.Source, error) { return nil, errors.New(q.URL) })
}

func sound() trigger.Input {
	return trigger.Input{Index: 1, Metadata: map[string]string{"queueURL": "http://h/q", "awsRegion": "eu-west-1"}}
}

func with(in trigger.Input, pairs ...string) trigger.Input {
	m := map[string]string{}
	maps.Copy(m, in.Metadata)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	in.Metadata = m
	return in
}

func TestDecode_gives_what_was_meant(t *testing.T) {
	in := trigger.Input{
		Metadata: map[string]string{"queueURLFromEnv": "Q", "awsRegion": " eu-west-1 ", "queueLength": "3.5", "activationQueueLength": "2"},
		Env:      map[string]string{"Q": "a/b"}, Auth: map[string]string{"pass": "p", "password": " "},
		Identity: trigger.Identity{Provider: "aws"},
	}
	c, err := kind().Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	want := queue{
		URL: "a/b", Length: 3.5, Activation: 2, Region: "eu-west-1", Owner: "pod",
		Login: Login{Password: "p"}, Identity: trigger.Identity{Provider: "aws"},
	}
	if diff := cmp.Diff(want, c.Value()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]trigger.Metric{{Name: "aws-sqs-a-b", Target: 3.5, Activation: 2}}, c.Metrics); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Open(t.Context(), trigger.Env{}); err == nil || err.Error() != "trigger 0 (aws-sqs-queue): a/b" {
		t.Errorf("open got other settings: %v", err)
	}
}

func TestDecode_says_everything_that_is_wrong(t *testing.T) {
	_, err := kind().Decode(trigger.Input{
		Index:    2,
		Metadata: map[string]string{"queueLength": "five", "identityOwner": "me", "old": "x", "queueURLFromEnv": "Q"},
		Auth:     map[string]string{"count": "s3cret"},
	})
	want := `trigger 2 (aws-sqs-queue): ` +
		`queueURL is missing: want it in the metadata or a value for the variable Q that queueURLFromEnv names; ` +
		`queueLength "five": want a number, such as 5 or 0.5; ` +
		`awsRegion is missing: want it in the metadata or in the authentication; ` +
		`identityOwner "me": want one of pod, operator; ` +
		`old "x": is not supported any more: write queueURL; ` +
		`count of the authentication: want a whole number`
	if err == nil || err.Error() != want {
		t.Errorf("got:  %v\nwant: %s", err, want)
	}
	c, ok := errors.AsType[*trigger.ConfigError](err)
	if !ok || c.Index != 2 || len(c.Faults) != 6 {
		t.Errorf("got %#v, want the six faults of trigger 2", c)
	}
}

func TestDecode_wants_a_target_above_zero(t *testing.T) {
	for _, target := range []string{"0", "-1"} {
		_, err := kind().Decode(with(sound(), "queueLength", target))
		if f, ok := errors.AsType[*trigger.FieldError](err); !ok || f.Field != "queueLength" {
			t.Errorf("target %s: got %v", target, err)
		}
		in := with(sound(), "queueLength", target)
		in.Composed = true
		if _, err := kind().Decode(in); err != nil {
			t.Errorf("target %s, where a formula has one: %v", target, err)
		}
	}
}

func TestDecode_hides_what_a_check_repeats(t *testing.T) {
	in := sound()
	in.Auth = map[string]string{"user": "u", "password": "wrong-one"}
	_, err := kind().Decode(in)
	if err == nil || strings.Contains(err.Error(), "wrong-one") {
		t.Errorf("got %v, want an error without the password", err)
	}
	if strings.Count(fmt.Sprint(err), "is wrong") != 1 {
		t.Errorf("got %v, want the complaint of the embedded struct once", err)
	}
}

func TestDecode_warns(t *testing.T) {
	for _, tc := range []struct{ why, key, warning string }{
		{"a letter is missing", "queueURl", "queueURl is no setting and is not read: did you mean queueURL?"},
		{"two letters are swapped", "queueLegnth", "queueLegnth is no setting and is not read: did you mean queueLength?"},
		{"it is like nothing", "colour", "colour is no setting and is not read"},
		{"it had a meaning once", "metricName", "metricName is not read: a metric's name follows from what is measured"},
		{"it stands beside the metadata", "metricType", "metricType in the metadata is not read: it stands beside metadata, not in it"},
		{"it is read elsewhere", "user", "user in the metadata is not read: want it in the authentication"},
		{"it cannot come from a variable", "queueLengthFromEnv", "queueLengthFromEnv is not read: want queueLength in the metadata"},
		{"it is deprecated", "late", "late is deprecated: write identityOwner"},
		{"it may come from a variable", "passwordFromEnv", ""},
		{"under its other name too", "passFromEnv", ""},
	} {
		c, err := kind().Decode(with(sound(), tc.key, "x"))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if tc.warning != "" {
			want = []string{"trigger 1 (aws-sqs-queue): " + tc.warning}
		}
		if diff := cmp.Diff(want, c.Warnings); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
	}
	k := kind()
	k.AnyKey = true
	if c, err := k.Decode(with(sound(), "colour", "x")); err != nil || len(c.Warnings) > 0 {
		t.Errorf("a kind that takes any key: %q, %v", c.Warnings, err)
	}
}

// TestDecode_partial: at admission nobody knows the authentication and the environment.
func TestDecode_partial(t *testing.T) {
	for _, tc := range []struct {
		why     string
		in      trigger.Input
		refused string
	}{
		{"all is there", sound(), ""},
		{"the authentication may give the region", trigger.Input{Metadata: map[string]string{"queueURL": "u"}}, ""},
		{
			"there is no authentication",
			trigger.Input{Metadata: map[string]string{"queueURL": "u"}, Auth: map[string]string{}},
			"awsRegion",
		},
		{"a variable has the URL", trigger.Input{Metadata: map[string]string{"queueURLFromEnv": "Q"}}, ""},
		{"nothing has the URL", trigger.Input{}, "queueURL"},
		{"a number is none", with(sound(), "queueLength", "x"), "queueLength"},
		{"a target is known", with(sound(), "queueLength", "0"), "queueLength"},
	} {
		tc.in.Partial = true
		_, err := kind().Decode(tc.in)
		f, _ := errors.AsType[*trigger.FieldError](err)
		if (err != nil) != (tc.refused != "") || (f != nil && f.Field != tc.refused) {
			t.Errorf("%s: got %v, want %q refused", tc.why, err, tc.refused)
		}
	}
}

// TestDecode_partial_does_not_judge_halves: the embedded login is valid or not
// with its password only, which admission does not see.
func TestDecode_partial_does_not_judge_halves(t *testing.T) {
	for _, tc := range []struct {
		why     string
		auth    map[string]string
		env     map[string]string
		refused bool
	}{
		{"the password is not known", map[string]string{"user": "u"}, nil, false},
		{"the password is known", map[string]string{"user": "u"}, map[string]string{"P": "wrong-one"}, true},
	} {
		in := with(sound(), "passwordFromEnv", "P")
		in.Partial, in.Auth, in.Env = true, tc.auth, tc.env
		if _, err := kind().Decode(in); (err != nil) != tc.refused {
			t.Errorf("%s: got %v, want refused %v", tc.why, err, tc.refused)
		}
	}
}

func TestDefineResource_has_no_source(t *testing.T) {
	type config struct {
		Value int `cfg:"value,role=target" doc:"per cent"`
	}
	k := trigger.DefineResource[config]("cpu", "Reads CPU.")
	c, err := k.Decode(trigger.Input{Metadata: map[string]string{"value": "50"}})
	if err != nil || !k.Resource {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]trigger.Metric{{Name: "cpu", Target: 50}}, c.Metrics); diff != "" {
		t.Error(diff)
	}
	if _, err := c.Open(t.Context(), trigger.Env{}); err == nil {
		t.Error("it opened")
	}
}

func TestDefine_panics_on_a_tag_that_cannot_be_used(t *testing.T) {
	for why, define := range map[string]func(){
		"an unknown option": func() {
			define[struct {
				A string `cfg:"a,optinal" doc:"a"`
			}]()
		},
		"an unknown place": func() {
			define[struct {
				A string `cfg:"a,from=mars" doc:"a"`
			}]()
		},
		"an unknown role": func() {
			define[struct {
				A int `cfg:"a,role=goal" doc:"a"`
			}]()
		},
		"a target that is a text": func() {
			define[struct {
				A string `cfg:"a,role=target" doc:"a"`
			}]()
		},
		"a default that is none": func() {
			define[struct {
				A int `cfg:"a,default=x" doc:"a"`
			}]()
		},
		"a default off the enum": func() {
			define[struct {
				A string `cfg:"a,default=c,enum=a;b" doc:"a"`
			}]()
		},
		"a type of no text": func() {
			define[struct {
				A chan int `cfg:"a" doc:"a"`
			}]()
		},
		"a field that cannot be set": func() {
			define[struct {
				a string `cfg:"a" doc:"a"`
			}]()
		},
		"a setting without name": func() {
			define[struct {
				A string `cfg:",optional" doc:"a"`
			}]()
		},
		"two of one name": func() {
			define[struct {
				A string `cfg:"a" doc:"a"`
				B string `cfg:"b;a" doc:"b"`
			}]()
		},
		"two targets and nobody who chooses": func() {
			define[struct {
				A int `cfg:"a,role=target" doc:"a"`
				B int `cfg:"b,role=target" doc:"b"`
			}]()
		},
		"settings that are no struct": func() { define[int]() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", why)
				}
			}()
			define()
		}()
	}
}

func define[C any]() { trigger.DefineResource[C]("x", "X.") }

// many has a setting of each type.
type many struct {
	Text   string          `cfg:"text,from=meta;auth;env,optional" doc:"."`
	Whole  int8            `cfg:"whole,optional" doc:"."`
	Count  uint16          `cfg:"count,optional" doc:"."`
	Real   float64         `cfg:"real,optional" doc:"."`
	Flag   *bool           `cfg:"flag,optional" doc:"."`
	Span   time.Duration   `cfg:"span,optional" doc:"."`
	Query  url.Values      `cfg:"query,optional" doc:"."`
	Ranges []uint8         `cfg:"ranges,range,optional" doc:"."`
	Spans  []time.Duration `cfg:"spans,separator=;,optional" doc:"."`
	Map    map[string]int  `cfg:"map,optional" doc:"."`
	Nested struct {
		Inner *float32 `cfg:"inner" doc:"."`
	} `cfg:",optional"`
}

func TestDecode_reads_each_type(t *testing.T) {
	k := trigger.DefineResource[many]("many", "Many.")
	flag, inner := true, float32(0.5)
	for _, tc := range []struct {
		key, text string
		want      *many // nil where it is refused
	}{
		{"whole", "-128", &many{Whole: -128}},
		{"whole", "128", nil},
		{"count", "65535", &many{Count: 65535}},
		{"count", "65536", nil},
		{"count", "-1", nil},
		{"real", "1e3", &many{Real: 1000}},
		{"real", "1e999", nil},
		{"real", "null", nil},
		{"whole", "null", nil},
		{"whole", "01", nil},
		{"flag", "T", &many{Flag: &flag}},
		{"flag", "yes", nil},
		{"span", "1500", &many{Span: 1500 * time.Millisecond}},
		{"span", "-1500", nil},
		{"span", "9223372036854775807", nil},
		{"query", "a=1;b", nil},
		{"ranges", "1-3,7,7-5", &many{Ranges: []uint8{1, 2, 3, 7}}},
		{"ranges", "250-255", &many{Ranges: []uint8{250, 251, 252, 253, 254, 255}}},
		{"ranges", "1-2-3", nil},
		{"spans", "1s; 500", &many{Spans: []time.Duration{time.Second, 500 * time.Millisecond}}},
		{"spans", "1s;", nil},
		{"map", "a=1, b=2", &many{Map: map[string]int{"a": 1, "b": 2}}},
		{"map", "a=1,", nil},
		{"map", "a=x", nil},
		{"inner", "0.5", &many{Nested: struct {
			Inner *float32 `cfg:"inner" doc:"."`
		}{&inner}}},
	} {
		c, err := k.Decode(trigger.Input{Metadata: map[string]string{tc.key: tc.text}})
		if tc.want == nil {
			if f, ok := errors.AsType[*trigger.FieldError](err); !ok || f.Field != tc.key {
				t.Errorf("%s %q: got %v, want it refused by name", tc.key, tc.text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s %q: %v", tc.key, tc.text, err)
			continue
		}
		if diff := cmp.Diff(*tc.want, c.Value()); diff != "" {
			t.Errorf("%s %q: %s", tc.key, tc.text, diff)
		}
	}
}

func TestDecode_bounds_a_range(t *testing.T) {
	type config struct {
		All []int64 `cfg:"all,range" doc:"all"`
	}
	k := trigger.DefineResource[config]("x", "X.")
	for text, taken := range map[string]bool{
		"0-99999": true, "0-100000": false, "0-50000,0-50000": false, "0-9223372036854775807": false,
		"9223372036854775806-9223372036854775807": true,
	} {
		if _, err := k.Decode(trigger.Input{Metadata: map[string]string{"all": text}}); (err == nil) != taken {
			t.Errorf("%s: got %v, want taken %v", text, err, taken)
		}
	}
}

// FuzzDecode: no text makes the decoder panic, and none that is secret is repeated.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "5", "-1", "1-3,5", "a=b", "a=1&b=%zz", "30s", "true", "0x10", "1-9223372036854775807", "\xff"} {
		f.Add(seed)
	}
	k := trigger.DefineResource[many]("many", "Many.")
	hidden := trigger.DefineResource[struct {
		Number int            `cfg:"number,from=auth" doc:"."`
		Span   time.Duration  `cfg:"span,from=env" doc:"."`
		Map    map[string]int `cfg:"map,secret" doc:"."`
	}]("hidden", "Hidden.")
	f.Fuzz(func(t *testing.T, text string) {
		for _, field := range k.Fields {
			in := trigger.Input{Metadata: map[string]string{field.Name: text}}
			a, errA := k.Decode(in)
			b, errB := k.Decode(in)
			if (errA == nil) != (errB == nil) || a.Key != b.Key {
				t.Fatalf("%s %q: %v, then %v", field.Name, text, errA, errB)
			}
		}
		secret := "s3cret" + text
		_, err := hidden.Decode(trigger.Input{
			Metadata: map[string]string{"spanFromEnv": "V", "map": secret},
			Auth:     map[string]string{"number": secret}, Env: map[string]string{"V": secret},
		})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Fatalf("got %v, want an error without the secret", err)
		}
	})
}
