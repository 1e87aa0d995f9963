package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// fileBytes bounds a file of parameters: it is that of a Secret.
const fileBytes = 1 << 20

// File reads parameters from a JSON object of strings in a file below the root
// that the operator was given. Nothing leads out of the root, links included.
func (s Settings) File(path string) (params map[string]string, err error) {
	if s.FileRoot == "" {
		return nil, errors.New("the operator was given no folder for such files")
	}
	f, err := os.OpenInRoot(s.FileRoot, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, fileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > fileBytes {
		return nil, fmt.Errorf("larger than %d bytes", fileBytes)
	}
	if json.Unmarshal(data, &params) != nil {
		return nil, errors.New("want a JSON object whose values are strings") // what is in it is secret
	}
	return params, nil
}
