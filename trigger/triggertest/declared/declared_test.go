package declared_test

import (
	"testing"

	"github.com/furl-dev/furl/trigger/triggertest/declared"
)

func TestKind_knows_no_other_type(t *testing.T) {
	if _, err := declared.Kind("x", []declared.Field{{Name: "C", GoType: "chan int"}}); err == nil {
		t.Error("a channel was taken as a setting")
	}
}
