package main

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	analysisutil "github.com/argoproj/argo-rollouts/utils/analysis"
	templateutil "github.com/argoproj/argo-rollouts/utils/template"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

// runs creates every analysis run of an update of the Rollout, and checks it as the analysis controller does before it
// measures anything.
func (j *judgement) runs(rollout *v1alpha1.Rollout, name string) {
	// When an analysis starts, the controller has already set the default replicas and written a status.
	if rollout.Spec.Replicas == nil {
		rollout.Spec.Replicas = ptr.To[int32](1)
	}
	rollout.Status.CurrentPodHash, rollout.Status.StableRS = someHash, someHash
	rollout.UID = someHash
	check := func(analysis *v1alpha1.RolloutAnalysis, path *field.Path) {
		if analysis == nil {
			return
		}
		j.note(rollout.Namespace, analysis.Templates)
		args, err := analysisutil.BuildArgumentsForRolloutAnalysisRun(analysis.Args, replicaSet("stable"), replicaSet("new"), rollout)
		if err == nil {
			err = j.run(rollout.Namespace, analysis.Templates, args, analysis.DryRun, analysis.MeasurementRetention)
		}
		if err != nil && !dependsOnHash(err) {
			j.add("analysis", name, field.Invalid(path, "", err.Error()))
		}
	}
	strategy := field.NewPath("spec", "strategy")
	if blueGreen := rollout.Spec.Strategy.BlueGreen; blueGreen != nil {
		check(blueGreen.PrePromotionAnalysis, strategy.Child("blueGreen", "prePromotionAnalysis"))
		check(blueGreen.PostPromotionAnalysis, strategy.Child("blueGreen", "postPromotionAnalysis"))
	}
	canary := rollout.Spec.Strategy.Canary
	if canary == nil {
		return
	}
	if canary.Analysis != nil {
		check(&canary.Analysis.RolloutAnalysis, strategy.Child("canary", "analysis"))
	}
	for i, step := range canary.Steps {
		path := strategy.Child("canary", "steps").Index(i)
		check(step.Analysis, path.Child("analysis"))
		if step.Experiment == nil {
			continue
		}
		for k, analysis := range step.Experiment.Analyses {
			j.note(rollout.Namespace, []v1alpha1.AnalysisTemplateRef{{TemplateName: analysis.TemplateName, ClusterScope: analysis.ClusterScope}})
			if err := j.experimentRun(rollout, step.Experiment, analysis); err != nil && !dependsOnHash(err) {
				j.add("analysis", name, field.Invalid(path.Child("experiment", "analyses").Index(k), "", err.Error()))
			}
		}
	}
}

// experimentRun passes the arguments through the Experiment (rollout/experiment.go, experiments/experiment.go).
func (j *judgement) experimentRun(rollout *v1alpha1.Rollout, step *v1alpha1.RolloutExperimentStep, analysis v1alpha1.RolloutExperimentStepAnalysisTemplateRef) error {
	args, err := analysisutil.BuildArgumentsForRolloutAnalysisRun(analysis.Args, replicaSet("stable"), replicaSet("new"), rollout)
	if err != nil {
		return err
	}
	experiment := &v1alpha1.Experiment{Spec: v1alpha1.ExperimentSpec{Duration: step.Duration}, Status: v1alpha1.ExperimentStatus{AvailableAt: ptr.To(metav1.Now())}}
	sets := map[string]*appsv1.ReplicaSet{}
	for _, template := range step.Templates {
		experiment.Spec.Templates = append(experiment.Spec.Templates, v1alpha1.TemplateSpec{Name: template.Name})
		sets[template.Name] = replicaSet(template.Name)
	}
	for i, arg := range args {
		value, err := templateutil.ResolveExperimentArgsValue(*arg.Value, experiment, sets)
		if err != nil {
			return err
		}
		args[i].Value = &value
	}
	refs := []v1alpha1.AnalysisTemplateRef{{TemplateName: analysis.TemplateName, ClusterScope: analysis.ClusterScope}}
	return j.run(rollout.Namespace, refs, args, step.DryRun, nil)
}

func (j *judgement) run(namespace string, refs []v1alpha1.AnalysisTemplateRef, args []v1alpha1.Argument, dryRun []v1alpha1.DryRun, retention []v1alpha1.MeasurementRetention) error {
	templates, clusterTemplates, err := j.cluster.templates(namespace, refs, field.NewPath("templates"), 0)
	if isAbsent(err) {
		// A missing template is reported elsewhere or not at all: an experiment waits for it. The metrics of the
		// analysis itself must have unique names in any case.
		_, err = analysisutil.NewAnalysisRunFromTemplates(nil, nil, nil, dryRun, retention, nil, nil, "run", "", namespace)
		return err
	}
	if err != nil {
		return err
	}
	run, err := analysisutil.NewAnalysisRunFromTemplates(templates, clusterTemplates, args, dryRun, retention, nil, nil, "run", "", namespace)
	if err != nil {
		return err
	}
	return start(v1alpha1.AnalysisTemplateSpec{Metrics: run.Spec.Metrics, DryRun: run.Spec.DryRun, MeasurementRetention: run.Spec.MeasurementRetention}, run.Spec.Args, nil)
}

// start does what the analysis controller does to a run before it measures anything (analysis/analysis.go,
// reconcileAnalysisRun).
func start(spec v1alpha1.AnalysisTemplateSpec, args []v1alpha1.Argument, prepare func(v1alpha1.Metric) v1alpha1.Metric) error {
	known := make([]v1alpha1.Argument, 0, len(args))
	for _, arg := range args {
		if arg.ValueFrom != nil && arg.ValueFrom.SecretKeyRef != nil {
			arg = v1alpha1.Argument{Name: arg.Name, Value: ptr.To("secret")}
		}
		known = append(known, arg)
	}
	metrics := make([]v1alpha1.Metric, 0, len(spec.Metrics))
	for _, metric := range spec.Metrics {
		if _, err := analysisutil.ResolveMetricArgs(metric, known); err != nil {
			return err
		}
		if prepare != nil {
			metric = prepare(metric)
		}
		resolved, err := analysisutil.ResolveMetricArgs(metric, known)
		if err != nil {
			return err
		}
		metrics = append(metrics, *resolved)
	}
	if err := analysisutil.ValidateMetrics(metrics); err != nil {
		return err
	}
	if _, err := analysisutil.GetDryRunMetrics(spec.DryRun, metrics); err != nil {
		return err
	}
	_, err := analysisutil.GetMeasurementRetentionMetrics(spec.MeasurementRetention, metrics)
	return err
}

// The hashes are unknown in advance, so an interval that comes from one is not checked.
const someHash = "some-hash"

func dependsOnHash(err error) bool {
	return strings.Contains(err.Error(), someHash)
}

func replicaSet(name string) *appsv1.ReplicaSet {
	labels := map[string]string{v1alpha1.DefaultRolloutUniqueLabelKey: someHash}
	return &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: someHash + "-" + name, Labels: labels}}
}

// template checks a template that no complete analysis uses, in a run of its own, as `kubectl argo rollouts create
// analysisrun` creates one. It ignores what depends on arguments from elsewhere, and, for a part of an incomplete
// combination, what depends on the other parts. A cluster-scoped template that includes one of a namespace is such a
// part: its user's namespace decides which one that is.
func (j *judgement) template(object *unstructured.Unstructured, isPart bool) {
	alone, err := decode[v1alpha1.AnalysisTemplate](object)
	if err != nil {
		j.add("analysis", title(object), err)
		return
	}
	if !isPart {
		isPart, err = j.runAlone(object)
	}
	if isPart {
		metrics := []v1alpha1.Metric{}
		for _, metric := range alone.Spec.Metrics {
			// Wherever the arguments are declared, an undeclared one and an unclosed placeholder are never filled in.
			if _, unfilled := analysisutil.ResolveMetricArgs(metric, anyValues(argumentsIn(metric))); unfilled != nil {
				err = unfilled
			}
			metrics = append(metrics, withoutPlaceholders(metric))
		}
		if err == nil && len(metrics) > 0 {
			err = analysisutil.ValidateMetrics(metrics)
		}
		if err == nil {
			_, err = analysisutil.FlattenTemplates([]*v1alpha1.AnalysisTemplate{alone}, nil)
		}
	}
	if err != nil {
		j.add("analysis", title(object), field.Invalid(field.NewPath("spec"), "", err.Error()))
	}
}

// runAlone runs a template with those that it includes, and reports whether one of these is not there.
func (j *judgement) runAlone(object *unstructured.Unstructured) (bool, error) {
	kind := ptr.To(object.GetKind() == "ClusterAnalysisTemplate")
	templates, clusterTemplates, err := j.cluster.templates(object.GetNamespace(), []v1alpha1.AnalysisTemplateRef{{TemplateName: object.GetName(), ClusterScope: kind}}, field.NewPath("templates"), 0)
	if isAbsent(err) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	flat, err := analysisutil.FlattenTemplates(templates, clusterTemplates)
	if err != nil {
		return false, err
	}
	args := map[string]bool{}
	for _, arg := range flat.Spec.Args {
		args[arg.Name] = true
	}
	if len(args) > 0 && len(flat.Spec.Metrics) == 0 {
		// This template declares arguments for others.
		return false, nil
	}
	if len(args) == 0 {
		// This template uses the arguments of others.
		args = argumentsIn(flat.Spec.Metrics)
	}
	for _, metric := range flat.Spec.Metrics {
		if strings.Contains(metric.Name, "{{") {
			// The arguments decide whether a rule matches a name.
			flat.Spec.DryRun, flat.Spec.MeasurementRetention = nil, nil
		}
	}
	return false, start(flat.Spec, anyValues(args), withoutPlaceholders)
}

// note records the templates of a run.
func (j *judgement) note(namespace string, refs []v1alpha1.AnalysisTemplateRef) {
	templates, clusterTemplates, err := j.cluster.templates(namespace, refs, field.NewPath("templates"), 0)
	for _, template := range templates {
		j.used["AnalysisTemplate/"+template.Name] = j.used["AnalysisTemplate/"+template.Name] || err == nil
	}
	for _, template := range clusterTemplates {
		j.used["ClusterAnalysisTemplate/"+template.Name] = j.used["ClusterAnalysisTemplate/"+template.Name] || err == nil
	}
}

var argument = regexp.MustCompile(`\{\{\s*args\.(\S+?)\s*\}\}`)

func argumentsIn(value any) map[string]bool {
	names := map[string]bool{}
	data, _ := json.Marshal(value)
	for _, match := range argument.FindAllSubmatch(data, -1) {
		names[string(match[1])] = true
	}
	return names
}

func anyValues(names map[string]bool) []v1alpha1.Argument {
	values := []v1alpha1.Argument{}
	for name := range names {
		values = append(values, v1alpha1.Argument{Name: name, Value: ptr.To("dummy")})
	}
	return values
}

// withoutPlaceholders replaces placeholders by harmless values.
func withoutPlaceholders(metric v1alpha1.Metric) v1alpha1.Metric {
	open := func(value any) bool {
		data, err := json.Marshal(value)
		return err == nil && strings.Contains(string(data), "{{")
	}
	if open(metric.Interval) {
		metric.Interval = "1s"
	}
	if open(metric.InitialDelay) {
		metric.InitialDelay = ""
	}
	if open(metric.ConsecutiveSuccessLimit) && metric.FailureLimit != nil && metric.FailureLimit.IntValue() == -1 {
		metric.FailureLimit = nil
	}
	for _, limit := range []**intstr.IntOrString{&metric.Count, &metric.FailureLimit, &metric.InconclusiveLimit, &metric.ConsecutiveSuccessLimit, &metric.ConsecutiveErrorLimit} {
		if open(*limit) {
			*limit = nil
		}
	}
	return metric
}
