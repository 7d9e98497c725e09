// Command route-plugin replaces the Gateway API router plugin of Argo Rollouts, whose module may be unavailable. It
// speaks the controller's plugin protocol and only writes weights into the backendRefs of routes. Like the real plugin,
// it does not watch them. Like the versions after 0.15.0, it completes weights to maxTrafficWeight.
package main

import (
	"context"
	"encoding/json"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting/plugin/rpc"
	"github.com/argoproj/argo-rollouts/utils/plugin/types"
	goplugin "github.com/hashicorp/go-plugin"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

const name = "argoproj-labs/gatewayAPI"

// The kinds of route, by the field of the configuration that names one. The versions are those that the real plugin uses.
var kinds = map[string]schema.GroupVersionResource{
	"httpRoute": {Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"},
	"grpcRoute": {Group: "gateway.networking.k8s.io", Version: "v1", Resource: "grpcroutes"},
	"tcpRoute":  {Group: "gateway.networking.k8s.io", Version: "v1alpha2", Resource: "tcproutes"},
	"tlsRoute":  {Group: "gateway.networking.k8s.io", Version: "v1alpha2", Resource: "tlsroutes"},
}

// config has one field for each form of reference. A list is the plural of the field.
type config map[string]any

// names returns the names of the routes of a kind.
func (c config) names(field string) []string {
	names := []string{}
	if name, ok := c[field].(string); ok && name != "" {
		names = append(names, name)
	}
	list, _ := c[field+"s"].([]any)
	for _, entry := range list {
		names = append(names, entry.(map[string]any)["name"].(string))
	}
	return names
}

type router struct {
	client dynamic.Interface
}

func (r *router) InitPlugin() types.RpcError {
	rest, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{}).ClientConfig()
	if err == nil {
		r.client, err = dynamic.NewForConfig(rest)
	}
	return failure(err)
}

// SetWeight sets the desired weight in every rule with both Services.
func (r *router) SetWeight(rollout *v1alpha1.Rollout, desired int32, _ []v1alpha1.WeightDestination) types.RpcError {
	var c config
	if err := json.Unmarshal(rollout.Spec.Strategy.Canary.TrafficRouting.Plugins[name], &c); err != nil {
		return failure(err)
	}
	namespace, _ := c["namespace"].(string)
	if namespace == "" {
		namespace = rollout.Namespace
	}
	for field, kind := range kinds {
		for _, route := range c.names(field) {
			if err := r.weigh(r.client.Resource(kind).Namespace(namespace), route, rollout.Spec.Strategy.Canary, int64(desired)); err != nil {
				return failure(err)
			}
		}
	}
	return types.RpcError{}
}

func (r *router) weigh(routes dynamic.ResourceInterface, route string, canary *v1alpha1.CanaryStrategy, desired int64) error {
	object, err := routes.Get(context.TODO(), route, metav1.GetOptions{})
	if err != nil {
		return err
	}
	total := int64(100)
	if max := canary.TrafficRouting.MaxTrafficWeight; max != nil {
		total = int64(*max)
	}
	rules, _, err := unstructured.NestedSlice(object.Object, "spec", "rules")
	if err != nil {
		return err
	}
	for _, rule := range rules {
		backends, found, _ := unstructured.NestedSlice(rule.(map[string]any), "backendRefs")
		if !found {
			continue
		}
		for _, backend := range backends {
			ref := backend.(map[string]any)
			switch ref["name"] {
			case canary.CanaryService:
				ref["weight"] = desired
			case canary.StableService:
				ref["weight"] = total - desired
			}
		}
		rule.(map[string]any)["backendRefs"] = backends
	}
	if err := unstructured.SetNestedSlice(object.Object, rules, "spec", "rules"); err != nil {
		return err
	}
	_, err = routes.Update(context.TODO(), object, metav1.UpdateOptions{})
	return err
}

func (r *router) UpdateHash(*v1alpha1.Rollout, string, string, []v1alpha1.WeightDestination) types.RpcError {
	return types.RpcError{}
}
func (r *router) SetHeaderRoute(*v1alpha1.Rollout, *v1alpha1.SetHeaderRoute) types.RpcError {
	return types.RpcError{}
}
func (r *router) SetMirrorRoute(*v1alpha1.Rollout, *v1alpha1.SetMirrorRoute) types.RpcError {
	return types.RpcError{}
}
func (r *router) VerifyWeight(*v1alpha1.Rollout, int32, []v1alpha1.WeightDestination) (types.RpcVerified, types.RpcError) {
	return types.NotImplemented, types.RpcError{}
}
func (r *router) RemoveManagedRoutes(*v1alpha1.Rollout) types.RpcError { return types.RpcError{} }
func (r *router) Type() string                                         { return name }

func failure(err error) types.RpcError {
	if err == nil {
		return types.RpcError{}
	}
	return types.RpcError{ErrorString: err.Error()}
}

func main() {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "ARGO_ROLLOUTS_RPC_PLUGIN", MagicCookieValue: "trafficrouter"},
		Plugins:         goplugin.PluginSet{"RpcTrafficRouterPlugin": &rpc.RpcTrafficRouterPlugin{Impl: &router{}}},
	})
}
