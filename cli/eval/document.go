package eval

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// MaxBytes is the most that is read of one file.
const MaxBytes = 4 << 20

// File is an input: YAML or JSON, one document or several.
type File struct {
	Name string
	Text []byte
}

// place is where a document stands.
type place struct {
	file string
	line int // of its first line, from 1
}

func (p place) wrap(err error) error {
	return fmt.Errorf("%s: document at line %d: %w", p.file, p.line, err)
}

// document is one YAML document, not yet decoded.
type document struct {
	where place
	text  []byte
}

// split cuts a file at its lines that begin with three dashes.
func split(f File) []document {
	var (
		docs  []document
		lines bytes.Buffer
		start = 1
	)
	end := func(next int) {
		if text := bytes.TrimSpace(lines.Bytes()); len(text) > 0 {
			docs = append(docs, document{where: place{f.Name, start}, text: bytes.Clone(lines.Bytes())})
		}
		lines.Reset()
		start = next
	}
	scan := bufio.NewScanner(bytes.NewReader(f.Text))
	scan.Buffer(nil, MaxBytes+1)
	for n := 1; scan.Scan(); n++ {
		if strings.HasPrefix(scan.Text(), "---") {
			end(n + 1)
			continue
		}
		if lines.Len() == 0 && strings.TrimSpace(scan.Text()) == "" {
			start = n + 1
			continue
		}
		lines.Write(scan.Bytes())
		lines.WriteByte('\n')
	}
	end(0)
	return docs
}

// typed is what every document says about itself.
type typed struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

// template is what a Deployment or its like says about its pods.
type template struct {
	typed
	Spec struct {
		Replicas *int32 `json:"replicas"`
		Template struct {
			Spec corev1.PodSpec `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

// documents are all documents by what they are.
type documents struct {
	subjects     []*subject
	templates    []*template
	observations []*observation
}

func (d *documents) add(doc document) error {
	var t typed
	if err := yaml.Unmarshal(doc.text, &t); err != nil {
		return doc.where.wrap(plain(err))
	}
	switch t.Kind {
	case "Observation":
		return d.addObservation(doc)
	case "HorizontalPodAutoscaler":
		return d.addHPA(doc, t)
	case "ScaledObject":
		return d.addScaledObject(doc, t)
	case "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController":
		return d.addTemplate(doc)
	case "":
		return doc.where.wrap(fmt.Errorf("kind is missing; write kind: Observation, HorizontalPodAutoscaler or ScaledObject"))
	default: // a Service beside its Deployment is no mistake
		return nil
	}
}

func (d *documents) addHPA(doc document, t typed) error {
	if t.APIVersion != "autoscaling/v2" {
		return doc.where.wrap(fmt.Errorf("apiVersion is %q; write autoscaling/v2", t.APIVersion))
	}
	h := new(autoscalingv2.HorizontalPodAutoscaler)
	if err := yaml.UnmarshalStrict(doc.text, h); err != nil {
		return doc.where.wrap(plain(err))
	}
	if errs := policy.Validate(h); len(errs) > 0 {
		return doc.where.wrap(errs.ToAggregate())
	}
	d.subjects = append(d.subjects, hpaSubject(doc.where, h))
	return nil
}

func (d *documents) addTemplate(doc document) error {
	t := new(template)
	if err := yaml.Unmarshal(doc.text, t); err != nil {
		return doc.where.wrap(plain(err))
	}
	requestLimits(&t.Spec.Template.Spec)
	d.templates = append(d.templates, t)
	return nil
}

// requestLimits makes a limit the request where there is no request, as the API server does.
func requestLimits(s *corev1.PodSpec) {
	for _, cs := range [][]corev1.Container{s.Containers, s.InitContainers} {
		for i := range cs {
			for name, q := range cs[i].Resources.Limits {
				if _, ok := cs[i].Resources.Requests[name]; ok {
					continue
				}
				if cs[i].Resources.Requests == nil {
					cs[i].Resources.Requests = corev1.ResourceList{}
				}
				cs[i].Resources.Requests[name] = q
			}
		}
	}
}

// plain takes off what the decoders put before the message that matters.
func plain(err error) error {
	text := err.Error()
	for _, noise := range []string{
		"error unmarshaling JSON: ", "error converting YAML to JSON: ", "while decoding JSON: ", "json: ", "yaml: ",
	} {
		text = strings.TrimPrefix(text, noise)
	}
	if number, ok := strings.CutPrefix(text, "unsupported value: "); ok {
		text = number + " is no quantity; write a number, or missing with a reason"
	}
	return fmt.Errorf("%s", text)
}
