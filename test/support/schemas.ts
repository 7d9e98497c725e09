// The kinds whose fields the code reads, as the types of their compiled schemas. test/field-paths.test.ts checks every
// literal path against them.
import type { IAnalysisTemplate } from '@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/AnalysisTemplate';
import type { IClusterAnalysisTemplate } from '@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/ClusterAnalysisTemplate';
import type { IExperiment } from '@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/Experiment';
import type { IRollout } from '@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1/Rollout';
import type { IGRPCRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/GRPCRoute';
import type { IHTTPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute';
import type { ITLSRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/TLSRoute';
import type { ITCPRoute } from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1alpha2/TCPRoute';
import type { IDestinationRule } from '@kubernetes-models/istio/networking.istio.io/v1/DestinationRule';
import type { IVirtualService } from '@kubernetes-models/istio/networking.istio.io/v1/VirtualService';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { IReplicaSet } from 'kubernetes-models/apps/v1/ReplicaSet';
import type { IHorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import type { IIngress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { INamespace } from 'kubernetes-models/v1/Namespace';
import type { IPersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import type { IPodTemplate } from 'kubernetes-models/v1/PodTemplate';
import type { IResourceQuota } from 'kubernetes-models/v1/ResourceQuota';
import type { ISecret } from 'kubernetes-models/v1/Secret';
import type { IService } from 'kubernetes-models/v1/Service';
import type { IServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import type { KindId } from '../../src/world/object.ts';

interface Custom<Spec> {
  metadata: NonNullable<IService['metadata']>;
  spec: Spec;
}

interface TargetRef {
  apiVersion: string;
  kind: string;
  name: string;
}

// Argo Rollouts 1.10.
interface NewerTemplate {
  metadata: NonNullable<IService['metadata']>;
  spec: { metrics: { provider: { datadog?: { requestTimeout: string } } }[] };
}

/** The type of each kind. Of kinds without a compiled schema only the fields that the code reads are here. */
export interface Schemas extends Record<KindId, unknown> {
  'Rollout.argoproj.io': IRollout;
  'AnalysisTemplate.argoproj.io': IAnalysisTemplate | NewerTemplate;
  'ClusterAnalysisTemplate.argoproj.io': IClusterAnalysisTemplate;
  'Experiment.argoproj.io': IExperiment;
  Service: IService;
  ConfigMap: IConfigMap;
  Secret: ISecret;
  ServiceAccount: IServiceAccount;
  PersistentVolumeClaim: IPersistentVolumeClaim;
  Namespace: INamespace;
  PodTemplate: IPodTemplate;
  ResourceQuota: IResourceQuota;
  'Deployment.apps': IDeployment;
  'ReplicaSet.apps': IReplicaSet;
  'Ingress.networking.k8s.io': IIngress;
  'VirtualService.networking.istio.io': IVirtualService;
  'DestinationRule.networking.istio.io': IDestinationRule;
  'HTTPRoute.gateway.networking.k8s.io': IHTTPRoute;
  'GRPCRoute.gateway.networking.k8s.io': IGRPCRoute;
  'TCPRoute.gateway.networking.k8s.io': ITCPRoute;
  'TLSRoute.gateway.networking.k8s.io': ITLSRoute;
  'HorizontalPodAutoscaler.autoscaling': IHorizontalPodAutoscaler;
  'PodDisruptionBudget.policy': IPodDisruptionBudget;
  // VPA 1.4, pkg/apis/autoscaling.k8s.io/v1.
  'VerticalPodAutoscaler.autoscaling.k8s.io': Custom<{ targetRef: TargetRef }>;
  // KEDA 2.17, apis/keda/v1alpha1.
  'ScaledObject.keda.sh': Custom<{ scaleTargetRef: TargetRef; minReplicaCount: number }>;
  // Emissary 3, getambassador.io/v2.
  'Mapping.getambassador.io': Custom<{ weight: number; service: string }>;
  // AWS App Mesh controller 1.13, apis/appmesh/v1beta2.
  'VirtualService.appmesh.k8s.aws': Custom<{
    provider: { virtualRouter: { virtualRouterRef: { namespace: string; name: string } } };
  }>;
  'VirtualRouter.appmesh.k8s.aws': Custom<{
    routes: (Record<'grpcRoute' | 'http2Route' | 'httpRoute' | 'tcpRoute', AppMeshRoute> & { name: string })[];
  }>;
  'VirtualNode.appmesh.k8s.aws': Custom<{ podSelector: { matchLabels: Record<string, string> } }>;
  // Traefik 3.5, pkg/provider/kubernetes/crd/traefikio/v1alpha1.
  'TraefikService.traefik.io': Custom<{
    weighted: { services: { name: string; namespace: string; kind: string; port: number | string; weight: number }[] };
  }>;
  // APISIX ingress controller 1.8, pkg/kube/apisix/apis/config/v2.
  'ApisixRoute.apisix.apache.org': Custom<{
    http: { name: string; backends: { serviceName: string; servicePort: number | string; weight: number }[] }[];
  }>;
  // Only looked up by name.
  'TrafficSplit.split.smi-spec.io': Custom<object>;
}

interface AppMeshRoute {
  action: { weightedTargets: { virtualNodeRef: { namespace: string; name: string }; weight: number }[] };
}
