// Package webauth proves to a server over HTTP who asks: by key, password, token, header or certificate.
package webauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Settings are the authentication keys that triggers over HTTP have in common; embed it in a trigger's settings.
type Settings struct {
	Modes []string `cfg:"authModes;authMode,from=meta;auth,enum=apiKey;basic;tls;bearer;custom;oauth,set=bearer;basic;oauth,optional" doc:"how to authenticate, one or more"`

	Token    string `cfg:"bearerToken;token,from=auth,optional,secret" doc:"for bearer: the token"`
	Username string `cfg:"username,from=auth,optional" doc:"for basic: the user"`
	Password string `cfg:"password,from=auth,optional,secret" doc:"for basic: the password; may be empty"`

	Cert string `cfg:"cert,from=auth,optional" doc:"for tls: the client's certificate, PEM"`
	Key  string `cfg:"key,from=auth,optional,secret" doc:"for tls: its key, PEM"`
	CA   string `cfg:"ca,from=auth,optional" doc:"certificates to trust besides the system's, PEM"`

	OAuthURL     string     `cfg:"oauthTokenURI,from=auth,optional" doc:"for oauth: where tokens come from (client credentials)"`
	Scopes       []string   `cfg:"scopes;scope,from=auth,optional" doc:"for oauth: what to ask for"`
	ClientID     string     `cfg:"clientID,from=auth,optional" doc:"for oauth: the client"`
	ClientSecret string     `cfg:"clientSecret,from=auth,optional,secret" doc:"for oauth: its secret"`
	OAuthParams  url.Values `cfg:"endpointParams,from=auth,optional,secret" doc:"for oauth: more parameters, as in a URL"`

	Header      string `cfg:"customAuthHeader,from=auth,optional" doc:"for custom: a header"`
	HeaderValue string `cfg:"customAuthValue,from=auth,optional,secret" doc:"for custom: its value"`

	APIKey    string `cfg:"apiKey,from=meta;auth,optional,secret" doc:"for apiKey: the key"`
	APIMethod string `cfg:"method,from=meta;auth,default=header,enum=header;query" doc:"for apiKey: where it is sent"`
	APIName   string `cfg:"keyParamName,from=meta;auth,optional" doc:"for apiKey: name of the header (X-API-KEY) or of the parameter (api_key)"`
}

// Uses says whether a mode is on.
func (s Settings) Uses(mode string) bool { return slices.Contains(s.Modes, mode) }

// Allow refuses modes that a trigger of KEDA does not have.
func (s Settings) Allow(modes ...string) error {
	for _, mode := range s.Modes {
		if !slices.Contains(modes, mode) {
			return fmt.Errorf("authModes %q: want one of %s", mode, strings.Join(modes, ", "))
		}
	}
	return nil
}

// Complete misses what a mode needs.
func (s Settings) Complete() error {
	for _, need := range []struct {
		mode, key string
		value     string
	}{
		{"bearer", "bearerToken", s.Token},
		{"basic", "username", s.Username},
		{"tls", "cert", s.Cert},
		{"tls", "key", s.Key},
		{"oauth", "oauthTokenURI", s.OAuthURL},
		{"oauth", "clientID", s.ClientID},
		{"custom", "customAuthHeader", s.Header},
		{"custom", "customAuthValue", s.HeaderValue},
		{"apiKey", "apiKey", s.APIKey},
	} {
		if s.Uses(need.mode) && need.value == "" {
			return fmt.Errorf("authModes %s needs %s: give it in the trigger's authentication", need.mode, need.key)
		}
	}
	return nil
}

// sign writes into a request what the modes ask for. The certificate of tls
// and the token of oauth belong to the connection, see [Clients].
func (s Settings) sign(r *http.Request) error {
	switch {
	case s.Uses("bearer"):
		r.Header.Set("Authorization", "Bearer "+s.Token)
	case s.Uses("basic"):
		r.SetBasicAuth(s.Username, s.Password)
	}
	if s.Uses("custom") {
		r.Header.Set(s.Header, s.HeaderValue)
	}
	if s.Uses("apiKey") {
		s.signWithKey(r)
	}
	if bad := badHeader(r.Header); bad != "" {
		return errors.New("header " + bad + " has a character that no header may have")
	}
	return nil
}

func (s Settings) signWithKey(r *http.Request) {
	if s.APIMethod != "query" {
		r.Header.Set(or(s.APIName, "X-API-KEY"), s.APIKey)
		return
	}
	query := r.URL.Query()
	query.Set(or(s.APIName, "api_key"), s.APIKey)
	r.URL.RawQuery = query.Encode()
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// badHeader finds a header that net/http would refuse with its value in the error.
func badHeader(h http.Header) string {
	for name, values := range h {
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return name
			}
		}
	}
	return ""
}
