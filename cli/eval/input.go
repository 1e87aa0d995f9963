package eval

import (
	"errors"
	"fmt"
)

// input is what all files say together.
type input struct{ scripts []*script }

// read decodes the files and brings together what belongs together.
func read(files []File) (input, error) {
	var docs documents
	for _, f := range files {
		for _, doc := range split(f) {
			if err := docs.add(doc); err != nil {
				return input{}, err
			}
		}
	}
	if len(docs.subjects) == 0 {
		return input{}, errors.New("no HorizontalPodAutoscaler in the input, and no ScaledObject; add one with -f hpa.yaml")
	}
	if len(docs.observations) == 0 {
		return input{}, errors.New("no Observation in the input; add one with -f observation.yaml, see furl eval --help")
	}
	in := input{}
	for _, s := range docs.subjects {
		s.template = docs.templateOf(s)
		in.scripts = append(in.scripts, &script{subject: s})
	}
	for _, o := range docs.observations {
		s, err := in.scriptOf(o)
		if err != nil {
			return input{}, o.where.wrap(err)
		}
		s.observations = append(s.observations, o)
	}
	for _, s := range in.scripts {
		if err := schedule(s.observations, s.rhythm); err != nil {
			return input{}, err
		}
	}
	return in, nil
}

func (d *documents) templateOf(s *subject) *template {
	for _, t := range d.templates {
		near := t.Metadata.Namespace == "" || s.namespace == "" || t.Metadata.Namespace == s.namespace
		if t.Kind == s.targetKind && t.Metadata.Name == s.targetName && near {
			return t
		}
	}
	return nil
}

// scriptOf finds the object an observation is for; with one it need not say.
func (in *input) scriptOf(o *observation) (*script, error) {
	switch {
	case o.HPA != "" && o.ScaledObject != "":
		return nil, errors.New("hpa and scaledObject: an observation is of one of them")
	case o.HPA != "":
		return in.scriptNamed("hpa", "HorizontalPodAutoscaler", o.HPA)
	case o.ScaledObject != "":
		return in.scriptNamed("scaledObject", "ScaledObject", o.ScaledObject)
	case len(in.scripts) > 1:
		return nil, fmt.Errorf("hpa is missing; with %d HPAs and ScaledObjects in the input, name the one observed with hpa or scaledObject", len(in.scripts))
	}
	return in.scripts[0], nil
}

func (in *input) scriptNamed(field, kind, name string) (*script, error) {
	for _, s := range in.scripts {
		if s.kind == kind && s.is(name) {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s: no %s named %q in the input", field, kind, name)
}
