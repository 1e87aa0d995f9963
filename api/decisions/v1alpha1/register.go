package v1alpha1

import (
	"fmt"
	"net/url"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName is the API group of this package.
const GroupName = "decisions.furl.dev"

// GroupVersion returns the group and version of this package.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}
}

// AddToScheme registers the types of this package.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion(), &Decision{}, &DecisionList{}, &HistoryOptions{})
	metav1.AddToGroupVersion(s, GroupVersion())
	if err := s.SetVersionPriority(GroupVersion()); err != nil {
		return fmt.Errorf("register %s: %w", GroupName, err)
	}
	err := s.AddConversionFunc((*url.Values)(nil), (*HistoryOptions)(nil), func(a, b any, _ conversion.Scope) error {
		from, isQuery := a.(*url.Values)
		to, isOptions := b.(*HistoryOptions)
		if !isQuery || !isOptions {
			return fmt.Errorf("convert %T to %T: not a query and history options", a, b)
		}
		return to.fromQuery(*from)
	})
	if err != nil {
		return fmt.Errorf("register %s: %w", GroupName, err)
	}
	return nil
}

// fromQuery reads the options from a URL's query.
func (o *HistoryOptions) fromQuery(q url.Values) (err error) {
	*o = HistoryOptions{Since: q.Get("since")}
	if v := q.Get("limit"); v != "" {
		if o.Limit, err = strconv.ParseInt(v, 10, 64); err != nil || o.Limit < 0 {
			return fmt.Errorf("limit %q: give a count of records, 0 for all", v)
		}
	}
	if v := q.Get("evidence"); v != "" {
		if o.Evidence, err = strconv.ParseBool(v); err != nil {
			return fmt.Errorf("evidence %q: give true or false", v)
		}
	}
	return nil
}
