package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting/appmesh"
	analysisutil "github.com/argoproj/argo-rollouts/utils/analysis"
	ingressutil "github.com/argoproj/argo-rollouts/utils/ingress"
	istioutil "github.com/argoproj/argo-rollouts/utils/istio"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	k8serrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	dynamicfake "k8s.io/client-go/dynamic/fake"
)

// A cluster holds the objects of a bundle by kind, namespace and name.
type cluster map[string]*unstructured.Unstructured

func (c cluster) put(object *unstructured.Unstructured) {
	c[key(object.GroupVersionKind().Group, object.GetKind(), object.GetNamespace(), object.GetName())] = object
}

func (c cluster) get(group, kind, namespace, name string) *unstructured.Unstructured {
	return c[key(group, kind, namespace, name)]
}

func key(group, kind, namespace, name string) string {
	return group + "/" + kind + "/" + namespace + "/" + name
}

// workloads lists the kinds that a workloadRef can name, as they are served, and the places of their templates and
// selectors (rollout/templateref.go).
var workloads = map[metav1.TypeMeta]struct {
	group              string
	template, selector []string
}{
	{APIVersion: "v1", Kind: "PodTemplate"}:     {"", []string{"template"}, nil},
	{APIVersion: "apps/v1", Kind: "Deployment"}: {"apps", []string{"spec", "template"}, []string{"spec", "selector"}},
	{APIVersion: "apps/v1", Kind: "ReplicaSet"}: {"apps", []string{"spec", "template"}, []string{"spec", "selector"}},
}

var anyTemplate = corev1.PodTemplateSpec{
	ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "any"}},
	Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "any", Image: "any"}}},
}

func (c cluster) resolveWorkload(rollout *v1alpha1.Rollout) error {
	ref := rollout.Spec.WorkloadRef
	if ref == nil {
		return nil
	}
	path := field.NewPath("spec", "workloadRef")
	if !rollout.Spec.EmptyTemplate() {
		return field.Invalid(path, ref.Name, "template must be empty")
	}
	known, ok := workloads[metav1.TypeMeta{APIVersion: ref.APIVersion, Kind: ref.Kind}]
	if !ok || ref.Name == "" {
		return field.Invalid(path, ref.Name, "no workload that is served")
	}
	object := c.get(known.group, ref.Kind, rollout.Namespace, ref.Name)
	if object == nil {
		if rollout.Spec.Selector == nil && known.selector == nil {
			// A PodTemplate has no selector, and without a selector the verdict is the same for any template.
			rollout.Spec.SetResolvedTemplate(anyTemplate)
		}
		return notFound(path, ref.Name)
	}
	var template corev1.PodTemplateSpec
	if found, err := nested(object, &template, known.template...); err != nil {
		return field.Invalid(path, ref.Name, err.Error())
	} else if found {
		rollout.Spec.SetResolvedTemplate(template)
	}
	var selector metav1.LabelSelector
	if rollout.Spec.Selector == nil && known.selector != nil {
		if found, err := nested(object, &selector, known.selector...); err != nil {
			return field.Invalid(path, ref.Name, err.Error())
		} else if found {
			rollout.Spec.SetResolvedSelector(&selector)
		}
	}
	return nil
}

func nested(object *unstructured.Unstructured, into any, path ...string) (bool, error) {
	value, found, _ := unstructured.NestedMap(object.Object, path...)
	if !found {
		return false, nil
	}
	data, err := json.Marshal(value)
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(data, into)
}

// referencedResources looks up what the controller looks up (rollout/controller.go, getRolloutReferencedResources), but
// continues after the first error.
func (c cluster) referencedResources(rollout *v1alpha1.Rollout) (validation.ReferencedResources, []error) {
	found := validation.ReferencedResources{}
	errs := c.services(rollout, &found)
	errs = append(errs, c.analyses(rollout, &found)...)
	for _, check := range []struct {
		config func(*v1alpha1.Rollout) error
		look   func(*v1alpha1.Rollout, *validation.ReferencedResources) []error
	}{
		{func(r *v1alpha1.Rollout) error {
			return errors.Join(validation.ValidateRolloutNginxIngressesConfig(r), validation.ValidateRolloutAlbIngressesConfig(r))
		}, c.ingresses},
		{validation.ValidateRolloutVirtualServicesConfig, c.virtualServices},
	} {
		if err := check.config(rollout); err != nil {
			errs = append(errs, err)
		} else {
			errs = append(errs, check.look(rollout, &found)...)
		}
	}
	errs = append(errs, c.mappings(rollout, &found)...)
	return found, append(errs, c.virtualRouters(rollout, &found)...)
}

func (c cluster) services(rollout *v1alpha1.Rollout, into *validation.ReferencedResources) []error {
	var errs []error
	look := func(name string, role validation.ServiceType) {
		if name == "" {
			return
		}
		object := c.get("", "Service", rollout.Namespace, name)
		if object == nil {
			errs = append(errs, notFound(validation.GetServiceWithTypeFieldPath(role), name))
		} else if service, err := decode[corev1.Service](object); err == nil {
			into.ServiceWithType = append(into.ServiceWithType, validation.ServiceWithType{Service: service, Type: role})
		}
	}
	if blueGreen := rollout.Spec.Strategy.BlueGreen; blueGreen != nil {
		look(blueGreen.ActiveService, validation.ActiveService)
		look(blueGreen.PreviewService, validation.PreviewService)
	} else if canary := rollout.Spec.Strategy.Canary; canary != nil {
		look(canary.StableService, validation.StableService)
		look(canary.CanaryService, validation.CanaryService)
		if canary.PingPong != nil {
			look(canary.PingPong.PingService, validation.PingService)
			look(canary.PingPong.PongService, validation.PongService)
		}
	}
	return errs
}

func (c cluster) analyses(rollout *v1alpha1.Rollout, into *validation.ReferencedResources) []error {
	var errs []error
	look := func(analysis *v1alpha1.RolloutAnalysis, kind validation.AnalysisTemplateType, step int) {
		if analysis == nil {
			return
		}
		templates, clusterTemplates, err := c.templates(rollout.Namespace, analysis.Templates, validation.GetAnalysisTemplateWithTypeFieldPath(kind, step), 0)
		if err != nil {
			errs = append(errs, err)
			return
		}
		into.AnalysisTemplatesWithType = append(into.AnalysisTemplatesWithType, validation.AnalysisTemplatesWithType{
			AnalysisTemplates: templates, ClusterAnalysisTemplates: clusterTemplates, TemplateType: kind, CanaryStepIndex: step, Args: analysis.Args,
		})
	}
	if blueGreen := rollout.Spec.Strategy.BlueGreen; blueGreen != nil {
		look(blueGreen.PrePromotionAnalysis, validation.PrePromotionAnalysis, 0)
		look(blueGreen.PostPromotionAnalysis, validation.PostPromotionAnalysis, 0)
	} else if canary := rollout.Spec.Strategy.Canary; canary != nil {
		for i, step := range canary.Steps {
			look(step.Analysis, validation.InlineAnalysis, i)
		}
		if canary.Analysis != nil {
			look(&canary.Analysis.RolloutAnalysis, validation.BackgroundAnalysis, 0)
		}
	}
	return errs
}

// tooDeep limits the nesting of templates, and is higher than any sensible nesting. Upstream follows templates that
// include each other until the stack overflows.
const tooDeep = 100

// templates returns the named templates and the templates in them, as far as they exist, and the errors about the rest.
// It decodes each template again, because upstream fills placeholders into the objects of its cache, and its verdict on
// an analysis may depend on earlier ones.
func (c cluster) templates(namespace string, refs []v1alpha1.AnalysisTemplateRef, path *field.Path, depth int) ([]*v1alpha1.AnalysisTemplate, []*v1alpha1.ClusterAnalysisTemplate, error) {
	if depth > tooDeep {
		return nil, nil, field.Invalid(path, "", "templates name each other in a circle")
	}
	templates, clusterTemplates := []*v1alpha1.AnalysisTemplate{}, []*v1alpha1.ClusterAnalysisTemplate{}
	// An invalid template matters more than a missing one.
	var failed error
	fail := func(err error) {
		if failed == nil || isAbsent(failed) {
			failed = err
		}
	}
	for _, ref := range refs {
		kind, home := "AnalysisTemplate", namespace
		if ref.IsClusterScope() {
			kind, home = "ClusterAnalysisTemplate", ""
		}
		object := c.get("argoproj.io", kind, home, ref.TemplateName)
		if object == nil {
			fail(notFound(path, ref.TemplateName))
			continue
		}
		template, err := decode[v1alpha1.AnalysisTemplate](object)
		if err != nil {
			fail(err)
			continue
		}
		if ref.IsClusterScope() {
			clusterTemplates = append(clusterTemplates, &v1alpha1.ClusterAnalysisTemplate{ObjectMeta: template.ObjectMeta, Spec: template.Spec})
		} else {
			templates = append(templates, template)
		}
		inner, innerCluster, err := c.templates(namespace, template.Spec.Templates, field.NewPath("spec", "templates"), depth+1)
		if err != nil && !isAbsent(err) {
			// It is not followed any further: in a circle of templates, the number of paths doubles with every step.
			return templates, clusterTemplates, err
		}
		if err != nil {
			fail(err)
		}
		templates, clusterTemplates = append(templates, inner...), append(clusterTemplates, innerCluster...)
	}
	unique, uniqueCluster := analysisutil.FilterUniqueTemplates(templates, clusterTemplates)
	return unique, uniqueCluster, failed
}

func (c cluster) ingresses(rollout *v1alpha1.Rollout, into *validation.ReferencedResources) []error {
	canary := rollout.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil {
		return nil
	}
	var names []string
	path := field.NewPath("spec", "strategy", "canary", "trafficRouting")
	// If both are configured, the controller looks only at the Ingresses of ALB.
	if alb := canary.TrafficRouting.ALB; alb != nil {
		names, path = alb.Ingresses, path.Child("alb", "ingresses")
		if names == nil {
			names = []string{alb.Ingress}
		}
	} else if nginx := canary.TrafficRouting.Nginx; nginx != nil {
		names, path = nginx.StableIngresses, path.Child("nginx", "stableIngresses")
		if names == nil {
			names = []string{nginx.StableIngress}
		}
	}
	var errs []error
	for _, name := range names {
		object := c.get("networking.k8s.io", "Ingress", rollout.Namespace, name)
		if object == nil {
			errs = append(errs, notFound(path, name))
		} else if ingress, err := decode[networkingv1.Ingress](object); err == nil {
			into.Ingresses = append(into.Ingresses, *ingressutil.NewIngress(ingress))
		}
	}
	return errs
}

func (c cluster) virtualServices(rollout *v1alpha1.Rollout, into *validation.ReferencedResources) []error {
	canary := rollout.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.Istio == nil {
		return nil
	}
	istio := canary.TrafficRouting.Istio
	entries, path := istio.VirtualServices, field.NewPath("spec", "strategy", "canary", "trafficRouting", "istio", "virtualServices", "name")
	if !istioutil.MultipleVirtualServiceConfigured(rollout) {
		entries, path = []v1alpha1.IstioVirtualService{*istio.VirtualService}, field.NewPath("spec", "strategy", "canary", "trafficRouting", "istio", "virtualService", "name")
	}
	var errs []error
	for _, entry := range entries {
		namespace, name := istioutil.GetVirtualServiceNamespaceName(entry.Name)
		if namespace == "" {
			namespace = rollout.Namespace
		}
		if object := c.get("networking.istio.io", "VirtualService", namespace, name); object == nil {
			errs = append(errs, notFound(path, name))
		} else {
			into.VirtualServices = append(into.VirtualServices, *object)
		}
	}
	return errs
}

// entries checks each entry of several VirtualServices separately, as the controller does when it sets weights
// (rollout/trafficrouting/istio, SetWeight and reconcileVirtualService). The earlier validation checks every
// VirtualService against the first entry of its name.
func (c cluster) entries(rollout *v1alpha1.Rollout) []error {
	canary := rollout.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.Istio == nil || !istioutil.MultipleVirtualServiceConfigured(rollout) || validation.ValidateRolloutVirtualServicesConfig(rollout) != nil {
		return nil
	}
	var errs []error
	for _, entry := range canary.TrafficRouting.Istio.VirtualServices {
		single := rollout.DeepCopy()
		single.Spec.Strategy.Canary.TrafficRouting.Istio.VirtualServices = []v1alpha1.IstioVirtualService{entry}
		var found validation.ReferencedResources
		c.virtualServices(single, &found)
		for _, object := range found.VirtualServices {
			for _, err := range validation.ValidateVirtualService(single, object) {
				errs = append(errs, err)
			}
		}
	}
	return errs
}

func (c cluster) mappings(rollout *v1alpha1.Rollout, into *validation.ReferencedResources) []error {
	canary := rollout.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.Ambassador == nil {
		return nil
	}
	path := field.NewPath("spec", "strategy", "canary", "trafficRouting", "ambassador", "mappings")
	names := canary.TrafficRouting.Ambassador.Mappings
	if len(names) == 0 {
		return []error{field.Invalid(path, nil, "must provide at least one mapping")}
	}
	var errs []error
	for _, name := range names {
		if object := c.get("getambassador.io", "Mapping", rollout.Namespace, name); object == nil {
			errs = append(errs, notFound(path, name))
		} else {
			into.AmbassadorMappings = append(into.AmbassadorMappings, *object)
		}
	}
	return errs
}

func (c cluster) virtualRouters(rollout *v1alpha1.Rollout, into *validation.ReferencedResources) []error {
	canary := rollout.Spec.Strategy.Canary
	if canary == nil || canary.TrafficRouting == nil || canary.TrafficRouting.AppMesh == nil {
		return nil
	}
	path := field.NewPath("spec", "strategy", "canary", "trafficRouting", "appmesh", "virtualService")
	ref := canary.TrafficRouting.AppMesh.VirtualService
	if ref == nil {
		return []error{field.Invalid(path, nil, "must provide virtual-service")}
	}
	var objects []runtime.Object
	for _, object := range c {
		if object.GroupVersionKind().Group == "appmesh.k8s.aws" {
			objects = append(objects, object.DeepCopy())
		}
	}
	client := appmesh.NewResourceClient(dynamicfake.NewSimpleDynamicClient(runtime.NewScheme(), objects...))
	virtualService, err := client.GetVirtualServiceCR(context.Background(), rollout.Namespace, ref.Name)
	if err == nil {
		var router *unstructured.Unstructured
		if router, err = client.GetVirtualRouterCRForVirtualService(context.Background(), virtualService); err == nil {
			into.AppMeshResources = append(into.AppMeshResources, *router)
		}
	}
	if k8serrors.IsNotFound(err) {
		return []error{notFound(path, ref.Name)}
	}
	if err != nil {
		return []error{field.Invalid(path, ref.Name, err.Error())}
	}
	return nil
}
