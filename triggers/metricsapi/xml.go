package metricsapi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// deepest bounds how far elements may nest; a metric is never that deep.
const deepest = 100

// parseXML turns an XML document into the tree that JSON would have: an element is
// an object of its children, a list where a name repeats, its text where it has
// none. Attributes are children with a "-" before the name, and text beside
// children is "#text".
func parseXML(body []byte) (any, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			root, err := element(d, start, deepest)
			return map[string]any{start.Name.Local: root}, err
		}
	}
}

func element(d *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth == 0 {
		return nil, errors.New("elements nest too deep")
	}
	children := map[string]any{}
	for _, a := range start.Attr {
		children["-"+a.Name.Local] = a.Value
	}
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.CharData:
			text.Write(t)
		case xml.StartElement:
			child, err := element(d, t, depth-1)
			if err != nil {
				return nil, err
			}
			add(children, t.Name.Local, child)
		case xml.EndElement:
			return finish(children, strings.TrimSpace(text.String())), nil
		}
	}
}

// add makes a list of children with one name.
func add(children map[string]any, name string, child any) {
	switch before := children[name].(type) {
	case nil:
		children[name] = child
	case []any:
		children[name] = append(before, child)
	default:
		children[name] = []any{before, child}
	}
}

func finish(children map[string]any, text string) any {
	if len(children) == 0 {
		return text
	}
	if text != "" {
		children["#text"] = text
	}
	return children
}
