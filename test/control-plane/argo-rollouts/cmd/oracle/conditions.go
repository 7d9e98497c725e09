package main

import (
	"encoding/json"

	"github.com/argoproj/argo-rollouts/utils/evaluate"
)

type conditionQuestion struct {
	Condition string `json:"condition"`
}

type conditionAnswer struct {
	// Results holds what each result makes of the condition: "true", "false" or an error.
	Results map[string]string `json:"results"`
}

// measuredResults are results of all types that a provider returns.
var measuredResults = map[string]any{
	"number":     0.5,
	"no number":  (*float64)(nil),
	"nothing":    nil,
	"numbers":    []float64{0.5, 2},
	"no numbers": []float64{},
	"text":       "a",
	"bool":       true,
	"integer":    int64(3),
	"fields":     map[string]any{"a": 1.5, "b": "text", "list": []any{1.5}},
	"list":       []any{1.5, "a", nil, map[string]any{"a": 1.5}},
	"records":    []map[string]any{{"a": 1.5}},
}

// evaluateCondition evaluates a condition on every result, with upstream's own code.
func evaluateCondition(line []byte) (any, error) {
	var question conditionQuestion
	if err := json.Unmarshal(line, &question); err != nil {
		return nil, err
	}
	answer := conditionAnswer{Results: map[string]string{}}
	for name, result := range measuredResults {
		answer.Results[name] = evaluated(result, question.Condition)
	}
	return answer, nil
}

func evaluated(result any, condition string) (answer string) {
	defer func() {
		if crash := recover(); crash != nil {
			answer = crashed(crash).Error()
		}
	}()
	met, err := evaluate.EvalCondition(result, condition)
	if err != nil {
		return "error: " + err.Error()
	}
	if met {
		return "true"
	}
	return "false"
}
