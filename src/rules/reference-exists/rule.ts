import { KINDS, namespaceOf, type KindId } from '../../world/object.ts';
import { nearest } from '../../world/nearest.ts';
import { at } from '../../world/path.ts';
import { references, type Reference, type Role } from '../../world/references.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { messages } from './messages.ts';
import { checkNested } from './nested.ts';

const OTHER_SCOPE: Partial<Record<KindId, KindId>> = {
  'AnalysisTemplate.argoproj.io': 'ClusterAnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io': 'AnalysisTemplate.argoproj.io',
};

// Each takes a look at everything of that kind in the namespace.
const MAX_HINTS = 20;

// How a message goes on after the name; a role that is not here is no reference to look for.
const USE: Partial<Record<Role, string>> = {
  stable: '',
  canary: '',
  ping: '',
  pong: '',
  active: '',
  preview: '',
  root: '',
  template: '',
  VirtualService: ' to set weights in',
  DestinationRule: ' to set subsets in',
  route: ' to set weights in',
  Ingress: ' to route with',
  router: ' to route with',
  workload: ' to take the pod template from',
  ConfigMap: ', which the pods need to start',
  Secret: ', which the pods need to start',
  ServiceAccount: ', which the pods need to start',
};

export const referenceExists = defineRule({
  id: 'reference-exists',
  summary: 'What a Rollout, an Experiment or an analysis template names is there.',
  explanation:
    'The controller marks a Rollout InvalidSpec for as long as a Service, Ingress, VirtualService, workload or analysis template it names is missing, and ' +
    'pods do not start without their ConfigMaps, Secrets and ServiceAccount. As manifests may arrive in any order, this never refuses one. Not looked for: ' +
    'what is optional, the ServiceAccount "default", routes chosen by labels, and the references of a workload that a Rollout takes its template from. ' +
    'Source: Argo Rollouts v1.9.1, rollout/controller.go (getRolloutReferencedResources) and utils/istio (a VirtualService as name.namespace).',
  subject: [
    'Rollout.argoproj.io',
    'AnalysisTemplate.argoproj.io',
    'ClusterAnalysisTemplate.argoproj.io',
    'Experiment.argoproj.io',
  ],
  reads: [
    'Service',
    'ConfigMap',
    'Secret',
    'ServiceAccount',
    'PodTemplate',
    'Deployment.apps',
    'ReplicaSet.apps',
    'AnalysisTemplate.argoproj.io',
    'ClusterAnalysisTemplate.argoproj.io',
    'VirtualService.networking.istio.io',
    'DestinationRule.networking.istio.io',
    'HTTPRoute.gateway.networking.k8s.io',
    'GRPCRoute.gateway.networking.k8s.io',
    'TCPRoute.gateway.networking.k8s.io',
    'TLSRoute.gateway.networking.k8s.io',
    'Ingress.networking.k8s.io',
    'Mapping.getambassador.io',
    'TraefikService.traefik.io',
    'ApisixRoute.apisix.apache.org',
    'VirtualService.appmesh.k8s.aws',
  ],
  example: { fixture: 'bad-services-and-ingress.yaml' },
  messages,
  check(context, subject) {
    checkNested(context, subject);
    const own = namespaceOf(subject);
    const seen = new Set<string>();
    let hints = MAX_HINTS;
    for (const reference of references(subject)) {
      const { kind, namespace, name, role, path, key } = reference;
      const use = USE[role];
      if (kind === undefined || use === undefined || seen.has(`${role} ${key}`) || isExempt(reference, own)) continue;
      seen.add(`${role} ${key}`);
      if (context.find(kind, namespace, name) !== undefined || context.lookup(kind, namespace, name).state !== 'absent')
        continue;

      const anchor = `${role} ${name}`;
      const written = String(at(subject, path));
      const other = OTHER_SCOPE[kind];
      if (other !== undefined && own !== '' && context.lookup(other, own, name).state === 'present') {
        context.report('otherScope', { path, anchor, data: { kind: KINDS[kind].kind, name, ...scopeAdvice(other) } });
      } else if (role === 'VirtualService' && written.includes('.')) {
        context.report('dotted', { path, anchor, data: { name, namespace, written } });
      } else {
        const what = kind === 'Service' ? `${role} Service` : KINDS[kind].kind;
        const where = isAbroad(kind, namespace, own) ? ` in namespace "${namespace}"` : '';
        const hint = hints-- > 0 ? hintFor(context, own, kind, namespace, name) : '';
        context.report('absent', { path, anchor, data: { what, name, where, use, hint } });
      }
    }
  },
});

function isExempt({ kind, role, name, optional }: Reference, own: string): boolean {
  // Which AnalysisTemplate a cluster-scoped template means depends on the namespace of who uses it.
  return (
    optional ||
    (role === 'ServiceAccount' && name === 'default') ||
    (own === '' && kind === 'AnalysisTemplate.argoproj.io')
  );
}

function isAbroad(kind: KindId, namespace: string, own: string): boolean {
  return KINDS[kind].namespaced && namespace !== own;
}

function scopeAdvice(other: KindId): { other: string; mend: string } {
  return other === 'ClusterAnalysisTemplate.argoproj.io'
    ? { other: 'a ClusterAnalysisTemplate', mend: 'set clusterScope: true beside templateName' }
    : { other: 'an AnalysisTemplate', mend: 'leave clusterScope out beside templateName' };
}

// What another namespace holds, and what Secrets are called, is not for everybody who may write a Rollout.
function hintFor(
  context: RuleContext<typeof messages>,
  own: string,
  kind: KindId,
  namespace: string,
  name: string,
): string {
  if (kind === 'Secret' || isAbroad(kind, namespace, own)) return '';
  const near = nearest(
    name,
    context.list(kind, namespace).map(({ metadata }) => metadata.name),
  );
  return near === undefined ? '' : ` (is "${near}" meant?)`;
}
