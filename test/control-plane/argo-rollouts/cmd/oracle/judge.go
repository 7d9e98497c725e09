package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A judgement collects the refusals of one bundle.
type judgement struct {
	cluster cluster
	// used holds the templates that an analysis uses, by kind and name; true if everything that they include exists.
	used    map[string]bool
	refused []refusal
}

// absent reports a field that refers to an object outside the bundle.
type absent struct{ at *field.Error }

func (a absent) Error() string { return a.at.Error() }

func notFound(path *field.Path, name string) error {
	if name == "" {
		return field.Invalid(path, name, "nothing is named")
	}
	return absent{field.Invalid(path, name, "not found")}
}

func isAbsent(err error) bool {
	var gone absent
	return errors.As(err, &gone)
}

func (j *judgement) add(by, object string, err error) {
	r := refusal{By: by, Object: object, Text: err.Error()}
	var gone absent
	var at *field.Error
	if errors.As(err, &gone) {
		r.Missing, at = true, gone.at
	}
	if at != nil || errors.As(err, &at) {
		r.Path, r.Text = at.Field, at.ErrorBody()
	}
	for _, known := range j.refused {
		if known == r {
			return
		}
	}
	j.refused = append(j.refused, r)
}

func title(object *unstructured.Unstructured) string {
	return object.GetKind() + "/" + object.GetName()
}

func crashed(reason any) error {
	return fmt.Errorf("upstream crashes: %v", reason)
}

// guarded turns a panic into an error: a controller that crashes on a manifest has not accepted it.
func guarded(run func()) (err error) {
	defer func() {
		if crash := recover(); crash != nil {
			err = crashed(crash)
		}
	}()
	run()
	return nil
}

// judge collects what the API server, the controller and the analysis controller say about the objects of a bundle that
// is applied to an empty cluster.
func (s schemas) judge(b bundle) (verdict, error) {
	j := judgement{cluster: cluster{}, used: map[string]bool{}, refused: []refusal{}}
	var stored []*unstructured.Unstructured
	for _, raw := range b.Objects {
		var object unstructured.Unstructured
		if err := json.Unmarshal(raw, &object); err != nil {
			j.add("api server", "", err)
			continue
		}
		if object.GetNamespace() == "" && object.GetKind() != "ClusterAnalysisTemplate" {
			object.SetNamespace("default")
		}
		errs := s.admit(&object)
		for _, err := range errs {
			j.add("api server", title(&object), err)
		}
		if err := misshapen(&object); err != nil {
			// The controller gets it anyway: if the CustomResourceDefinitions of a mesh have no schema, it must cope
			// with any content.
			j.add("api server", title(&object), err)
		}
		if err := readable(&object); err != nil {
			j.add("api server", title(&object), err)
		} else if len(errs) == 0 {
			j.cluster.put(&object)
			stored = append(stored, &object)
		}
	}
	for _, object := range stored {
		if object.GroupVersionKind().Group != "argoproj.io" || object.GetKind() != "Rollout" {
			continue
		}
		if err := guarded(func() { j.rollout(object) }); err != nil {
			j.add("controller", title(object), err)
		}
	}
	for _, object := range stored {
		complete, used := j.used[title(object)]
		if strings.HasSuffix(object.GetKind(), "AnalysisTemplate") && !complete {
			j.template(object, used)
		}
	}
	return verdict{ID: b.ID, Errors: j.refused}, nil
}

// rollout checks what the controller checks before it reconciles (rollout/controller.go, newRolloutContext), but
// continues after the first error.
func (j *judgement) rollout(object *unstructured.Unstructured) {
	name := title(object)
	rollout, err := decode[v1alpha1.Rollout](object)
	if err == nil {
		rollout, err = remarshalled(rollout)
	}
	if err != nil {
		j.add("controller", name, err)
		return
	}
	unresolved := j.cluster.resolveWorkload(rollout)
	if unresolved != nil && !isAbsent(unresolved) {
		unresolved = validation.InvalidWorkloadRef(rollout, unresolved)
	}
	if unresolved != nil {
		j.add("controller", name, unresolved)
	}
	for _, err := range validation.ValidateRollout(rollout) {
		j.add("controller", name, err)
	}
	resources, errs := j.cluster.referencedResources(rollout)
	if unresolved != nil {
		// Without the template, the selector cannot be checked.
		for i := range resources.ServiceWithType {
			resources.ServiceWithType[i].Service.Spec.Selector = nil
		}
	}
	for _, err := range errs {
		j.add("controller", name, err)
	}
	for _, err := range validation.ValidateRolloutReferencedResources(rollout, resources) {
		j.add("controller", name, err)
	}
	for _, err := range j.cluster.entries(rollout) {
		j.add("controller", name, err)
	}
	j.runs(rollout, name)
}

// remarshalled does what the controller does with every Rollout first (rollout/controller.go, remarshalRollout): it
// removes empty lists.
func remarshalled(rollout *v1alpha1.Rollout) (*v1alpha1.Rollout, error) {
	data, err := json.Marshal(rollout)
	if err != nil {
		return nil, err
	}
	var again v1alpha1.Rollout
	return &again, json.Unmarshal(data, &again)
}
