package keda

// Later is what a record waits for.
type Later struct {
	Reason string
	// Partly says that only a part of the record waits: the rest is replayed.
	Partly bool
}

func later(Record) Later { return Later{} }
