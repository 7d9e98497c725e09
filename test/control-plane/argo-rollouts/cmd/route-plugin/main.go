// Command route-plugin replaces the Gateway API router plugin of Argo Rollouts, whose module may be unavailable. It
// speaks the controller's plugin protocol and only writes weights into the backendRefs of HTTPRoutes. Like the real
// plugin, it does not watch them.
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

var httpRoutes = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}

type config struct {
	HTTPRoute  string `json:"httpRoute"`
	HTTPRoutes []struct {
		Name string `json:"name"`
	} `json:"httpRoutes"`
	Namespace string `json:"namespace"`
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
	names := []string{}
	if c.HTTPRoute != "" {
		names = append(names, c.HTTPRoute)
	}
	for _, route := range c.HTTPRoutes {
		names = append(names, route.Name)
	}
	namespace := c.Namespace
	if namespace == "" {
		namespace = rollout.Namespace
	}
	for _, route := range names {
		if err := r.weigh(namespace, route, rollout.Spec.Strategy.Canary, int64(desired)); err != nil {
			return failure(err)
		}
	}
	return types.RpcError{}
}

func (r *router) weigh(namespace, route string, canary *v1alpha1.CanaryStrategy, desired int64) error {
	object, err := r.client.Resource(httpRoutes).Namespace(namespace).Get(context.TODO(), route, metav1.GetOptions{})
	if err != nil {
		return err
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
				ref["weight"] = 100 - desired
			}
		}
		rule.(map[string]any)["backendRefs"] = backends
	}
	if err := unstructured.SetNestedSlice(object.Object, rules, "spec", "rules"); err != nil {
		return err
	}
	_, err = r.client.Resource(httpRoutes).Namespace(namespace).Update(context.TODO(), object, metav1.UpdateOptions{})
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
