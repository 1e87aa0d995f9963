package awsauth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
)

// refusing notes what is asked and answers nothing.
type refusing struct{ asked []string }

func (r *refusing) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	r.asked = append(r.asked, string(body))
	return nil, errors.Join(err, errors.New("connection refused"))
}

func TestConfig_asks_for_a_role_twice_in_the_name_of_furl(t *testing.T) {
	for _, name := range []string{"AWS_CA_BUNDLE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	server := &refusing{}
	c, err := Config(t.Context(), Identity{RoleARN: role, keyID: "k", key: "s"}, "eu-west-1", &http.Client{Transport: server})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Credentials.Retrieve(t.Context()); err == nil {
		t.Error("credentials of nobody")
	}
	if len(server.asked) != 2 || !strings.Contains(server.asked[0], "RoleSessionName=furl") {
		t.Errorf("asked %q, want twice, in the name of furl", server.asked)
	}
}

func TestSettings_come_from_several_places_together(t *testing.T) {
	type mixed struct{ Settings }
	kind := trigger.Define("mixed", "m", func(context.Context, mixed, trigger.Env) (trigger.Source, error) { return nil, errors.New("none") })
	c, err := kind.Decode(trigger.Input{
		Metadata: map[string]string{"awsAccessKeyIDFromEnv": "ID"}, Env: map[string]string{"ID": "k"},
		Auth: map[string]string{"awsSecretAccessKey": "s"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Value().(mixed); !ok || got.KeyID != "k" || got.Key != "s" {
		t.Errorf("%+v", c.Value())
	}
}
