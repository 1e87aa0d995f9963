// Package awsauth says who a trigger is towards AWS: the operator itself, a role, or a user with an access key.
package awsauth

import (
	"errors"

	"github.com/furl-dev/furl/trigger"
)

// Settings are the keys with which a trigger of AWS says who it is; embed it in its settings.
type Settings struct {
	IdentityOwner string `cfg:"identityOwner,optional" doc:"pod (default): the role or the keys of the authentication; anything else, usually operator: the operator's own identity"`
	RoleARN       string `cfg:"awsRoleArn,from=auth,optional" doc:"role to assume; before any key"`
	KeyID         string `cfg:"awsAccessKeyID;awsAccessKeyId,from=auth;meta;env,optional" doc:"id of an access key"`
	Key           string `cfg:"awsSecretAccessKey,from=auth;env,optional,secret" doc:"the access key's secret half"`
	Token         string `cfg:"awsSessionToken,from=auth;env,optional,secret" doc:"session token of temporary credentials"`
}

// Identity is who signs requests. Its zero value is the operator itself.
type Identity struct {
	RoleARN, ExternalID string
	// FromToken says that the role is tried with the operator's web identity token first.
	FromToken         bool
	keyID, key, token string
}

// Resolve chooses as KEDA does: pod identity aws first, then what identityOwner names.
func (s Settings) Resolve(pod trigger.Identity) (Identity, error) {
	switch {
	case pod.Provider == "aws" && pod.RoleARN != "":
		return Identity{RoleARN: pod.RoleARN, ExternalID: pod.ExternalID, FromToken: true}, nil
	case pod.Provider == "aws":
		return Identity{RoleARN: s.RoleARN, FromToken: s.RoleARN != ""}, nil
	case s.IdentityOwner != "" && s.IdentityOwner != "pod":
		return Identity{}, nil
	case s.RoleARN != "":
		return Identity{RoleARN: s.RoleARN}, nil
	case s.KeyID == "":
		return Identity{}, errors.New("no AWS identity: want podIdentity aws in the authentication, awsRoleArn or awsAccessKeyID in it, or identityOwner: operator")
	case s.Key == "":
		return Identity{}, errors.New("awsAccessKeyID has no awsSecretAccessKey beside it: give both in the authentication")
	}
	return Identity{keyID: s.KeyID, key: s.Key, token: s.Token}, nil
}

// String says who, without a secret.
func (i Identity) String() string {
	switch {
	case i.RoleARN != "":
		return "role " + i.RoleARN
	case i.keyID != "":
		return "the access key of the trigger's authentication"
	}
	return "the operator's own identity"
}
