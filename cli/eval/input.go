package eval

import (
	"errors"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
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
	if len(docs.hpas) == 0 {
		return input{}, errors.New("no HorizontalPodAutoscaler in the input; add one with -f hpa.yaml")
	}
	if len(docs.observations) == 0 {
		return input{}, errors.New("no Observation in the input; add one with -f observation.yaml, see furl eval --help")
	}
	in := input{}
	for _, h := range docs.hpas {
		h.template = docs.templateOf(h.hpa)
		in.scripts = append(in.scripts, &script{name: nameOf(h.hpa), hpa: h})
	}
	for _, o := range docs.observations {
		s, err := in.scriptOf(o)
		if err != nil {
			return input{}, o.where.wrap(err)
		}
		s.observations = append(s.observations, o)
	}
	for _, s := range in.scripts {
		if err := schedule(s.observations); err != nil {
			return input{}, err
		}
	}
	return in, nil
}

func nameOf(h *autoscalingv2.HorizontalPodAutoscaler) string {
	if h.Namespace == "" {
		return h.Name
	}
	return h.Namespace + "/" + h.Name
}

func (d *documents) templateOf(h *autoscalingv2.HorizontalPodAutoscaler) *template {
	ref := h.Spec.ScaleTargetRef
	for _, t := range d.templates {
		near := t.Metadata.Namespace == "" || h.Namespace == "" || t.Metadata.Namespace == h.Namespace
		if t.Kind == ref.Kind && t.Metadata.Name == ref.Name && near {
			return t
		}
	}
	return nil
}

// scriptOf finds the HPA an observation is for; with one HPA it need not say.
func (in *input) scriptOf(o *observation) (*script, error) {
	if o.HPA == "" {
		if len(in.scripts) > 1 {
			return nil, fmt.Errorf("hpa is missing; with %d HPAs in the input, name the one observed", len(in.scripts))
		}
		return in.scripts[0], nil
	}
	for _, s := range in.scripts {
		if s.name == o.HPA || s.hpa.hpa.Name == o.HPA {
			return s, nil
		}
	}
	return nil, fmt.Errorf("hpa: no HorizontalPodAutoscaler named %q in the input", o.HPA)
}
