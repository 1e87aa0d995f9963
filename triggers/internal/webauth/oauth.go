package webauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// grant is what a client shows to get a token (RFC 6749, 4.4).
type grant struct {
	url, scopes, id, secret, parameters string
}

func (s Settings) grant() grant {
	return grant{s.OAuthURL, strings.Join(s.scopes(), " "), s.ClientID, s.ClientSecret, s.OAuthParams.Encode()}
}

// scopes leaves out blank ones.
func (s Settings) scopes() []string {
	var out []string
	for _, scope := range s.Scopes {
		if scope = strings.TrimSpace(scope); scope != "" {
			out = append(out, scope)
		}
	}
	return out
}

// tokens keeps a token while it is valid.
type tokens struct {
	grant  grant
	client *http.Client
	turn   chan struct{} // holds one element: whose turn it is to read or write last
	last   *oauth2.Token
}

func newTokens(g grant, client *http.Client) *tokens {
	t := &tokens{grant: g, client: client, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

func (t *tokens) get(ctx context.Context) (string, error) {
	select {
	case <-t.turn:
		defer func() { t.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if t.last.Valid() {
		return t.last.AccessToken, nil
	}
	fresh, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	t.last = fresh
	return fresh.AccessToken, nil
}

// drop forgets the token, unless somebody fetches a new one already.
func (t *tokens) drop() {
	select {
	case <-t.turn:
		t.last = nil
		t.turn <- struct{}{}
	default:
	}
}

func (t *tokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	parameters, err := url.ParseQuery(t.grant.parameters)
	if err != nil {
		return nil, errors.New("endpointParams: want name=value&name=value")
	}
	c := clientcredentials.Config{
		ClientID: t.grant.id, ClientSecret: t.grant.secret, TokenURL: t.grant.url,
		Scopes: strings.Fields(t.grant.scopes), EndpointParams: parameters,
	}
	if t.grant.secret == "" {
		c.AuthStyle = oauth2.AuthStyleInParams
	}
	token, err := c.Token(context.WithValue(ctx, oauth2.HTTPClient, t.client))
	if err != nil {
		return nil, t.explain(err)
	}
	return token, nil
}

// explain keeps what the server said and leaves out what it was shown.
func (t *tokens) explain(err error) error {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refusal.Response == nil {
		if plain, ok := errors.AsType[*url.Error](err); ok {
			err = plain.Err
		}
		return fmt.Errorf("token from oauthTokenURI: %w", err)
	}
	if !isCode(refusal.ErrorCode) {
		return fmt.Errorf("token from oauthTokenURI: status %d", refusal.Response.StatusCode)
	}
	return fmt.Errorf("token from oauthTokenURI: status %d, %s", refusal.Response.StatusCode, refusal.ErrorCode)
}

// isCode tells a code of RFC 6749, such as invalid_client, from a text that may repeat anything.
func isCode(text string) bool {
	return text != "" && len(text) < 40 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz_") == ""
}
