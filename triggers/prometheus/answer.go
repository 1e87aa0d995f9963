package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// errEmpty says that the server knows no value: the query matched nothing, or what it matched is no number.
var errEmpty = errors.New("the query has no value: nothing matches it, or a number was divided by zero")

// answer is what the HTTP API of Prometheus says to an instant query.
type answer struct {
	Status, ErrorType, Error string
	Data                     struct {
		ResultType string
		Result     json.RawMessage
	}
}

type series struct{ Value point }

// point is an instant and a number in quotes: [1435781451.781, "1"].
type point []any

// value is the one number of an answer.
func value(body []byte) (float64, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return 0, errors.New("the answer is no JSON of Prometheus' HTTP API: look at serverAddress")
	}
	if a.Status == "error" {
		return 0, fmt.Errorf("the server refuses the query: %s: %.300s", a.ErrorType, a.Error)
	}
	p, err := a.point()
	if err != nil {
		return 0, err
	}
	return p.number()
}

// point finds the only point there may be.
func (a answer) point() (point, error) {
	switch a.Data.ResultType {
	case "scalar":
		var p point
		err := json.Unmarshal(a.Data.Result, &p)
		return p, err
	case "vector", "": // some servers that speak the same API leave the type out
		var all []series
		if err := json.Unmarshal(a.Data.Result, &all); err != nil {
			return nil, errors.New("the answer's result is no vector")
		}
		if len(all) > 1 {
			return nil, fmt.Errorf("the query has %d results: want one, aggregate with sum(...) or the like", len(all))
		}
		if len(all) == 0 {
			return nil, errEmpty
		}
		return all[0].Value, nil
	}
	return nil, fmt.Errorf("the query's result is of type %q: want a vector or a scalar", a.Data.ResultType)
}

func (p point) number() (float64, error) {
	if len(p) == 0 {
		return 0, errEmpty
	}
	if len(p) < 2 {
		return 0, errors.New("the answer has an instant and no value")
	}
	if p[1] == nil {
		return 0, errEmpty
	}
	text, ok := p[1].(string)
	n, err := strconv.ParseFloat(text, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("the answer's value is %.40v: want a number in quotes", p[1])
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, errEmpty
	}
	return n, nil
}
