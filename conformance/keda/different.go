package keda

// Difference is a row of docs/compatibility.md that a record falls under.
type Difference struct {
	Row string
	// Of are the parts of the record that the row explains.
	Of []string
}

func different(Record) Difference { return Difference{} }

func (d Difference) covers(diffs []string) bool { return d.Row != "" }
