package main

import (
	"fmt"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"
)

// A schema holds the validation rules of the API server for one kind.
type schema struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
}

// schemas holds the schemas of Argo Rollouts, by kind.
type schemas map[string]schema

func readSchemas(folder string) (schemas, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*-crd.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no CustomResourceDefinitions in %q", folder)
	}
	found := schemas{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(data, &crd); err != nil {
			return nil, err
		}
		var props apiextensions.JSONSchemaProps
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(crd.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
			return nil, err
		}
		structural, err := structuralschema.NewStructural(&props)
		if err != nil {
			return nil, err
		}
		validator, _, err := validation.NewSchemaValidator(&props)
		if err != nil {
			return nil, err
		}
		found[crd.Spec.Names.Kind] = schema{structural, validator}
	}
	return found, nil
}

// admit prepares an object of Argo Rollouts as the API server does before it stores one: it removes unknown fields,
// sets defaults and validates the object against the schema.
func (s schemas) admit(object *unstructured.Unstructured) field.ErrorList {
	known, ok := s[object.GetKind()]
	if !ok || object.GroupVersionKind().Group != "argoproj.io" {
		return nil
	}
	meta, found, err := objectmeta.GetObjectMeta(object.Object, false)
	if err != nil {
		return field.ErrorList{field.Invalid(field.NewPath("metadata"), "", err.Error())}
	}
	pruning.Prune(object.Object, known.structural, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(object.Object, known.structural)
	defaulting.Default(object.Object, known.structural)
	if found {
		if err := objectmeta.SetObjectMeta(object.Object, meta); err != nil {
			return field.ErrorList{field.Invalid(field.NewPath("metadata"), "", err.Error())}
		}
	}
	errs := validation.ValidateCustomResource(nil, object.Object, known.validator)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, known.structural, object.Object)...)
	return append(errs, objectmeta.Validate(nil, object.Object, known.structural, false)...)
}

// decode reads an object as its Go type, like the controller's informers (utils/tolerantinformer): they call it
// malformed if that fails, and continue with the part that they could read.
func decode[T any](object *unstructured.Unstructured) (*T, error) {
	var typed T
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &typed); err != nil {
		return nil, fmt.Errorf("malformed object: %w", err)
	}
	return &typed, nil
}

// readable returns why the API server cannot read an object of a built-in kind.
func readable(object *unstructured.Unstructured) error {
	var err error
	switch object.GroupVersionKind().GroupKind().String() {
	case "Service":
		_, err = decode[corev1.Service](object)
	case "PodTemplate":
		_, err = decode[corev1.PodTemplate](object)
	case "Deployment.apps":
		_, err = decode[appsv1.Deployment](object)
	case "ReplicaSet.apps":
		_, err = decode[appsv1.ReplicaSet](object)
	case "Ingress.networking.k8s.io":
		_, err = decode[networkingv1.Ingress](object)
	}
	return err
}

// misshapen returns why the API server rejects a VirtualService of Istio. Its CustomResourceDefinition
// (test/e2e/crds/istio.yaml of Argo Rollouts) requires an object with a list of destinations for every entry of a list
// of routes, and host names in TLS matches.
func misshapen(object *unstructured.Unstructured) error {
	if object.GroupVersionKind().GroupKind().String() != "VirtualService.networking.istio.io" {
		return nil
	}
	for _, protocol := range []string{"http", "tls", "tcp"} {
		routes, _, err := unstructured.NestedSlice(object.Object, "spec", protocol)
		if err != nil {
			return err
		}
		for i, route := range routes {
			path := field.NewPath("spec", protocol).Index(i)
			fields, ok := route.(map[string]any)
			if !ok {
				return field.TypeInvalid(path, route, "must be an object")
			}
			if _, _, err := unstructured.NestedSlice(fields, "route"); err != nil {
				return field.TypeInvalid(path.Child("route"), fields["route"], "must be a list")
			}
			matches, _, _ := unstructured.NestedSlice(fields, "match")
			for k, match := range matches {
				asked, _ := match.(map[string]any)
				if _, found, _ := unstructured.NestedSlice(asked, "sniHosts"); !found && protocol == "tls" {
					return field.Required(path.Child("match").Index(k).Child("sniHosts"), "")
				}
			}
		}
	}
	return nil
}
