package v1alpha1

import "strings"

// Identifier names an object in logs and keys: kind.namespace.name, in lower case.
func Identifier(kind, namespace, name string) string {
	return strings.ToLower(kind + "." + namespace + "." + name)
}

// Identifier returns scaledobject.NAMESPACE.NAME.
func (o *ScaledObject) Identifier() string { return Identifier(KindScaledObject, o.Namespace, o.Name) }

// Identifier returns scaledjob.NAMESPACE.NAME.
func (j *ScaledJob) Identifier() string { return Identifier(KindScaledJob, j.Namespace, j.Name) }
