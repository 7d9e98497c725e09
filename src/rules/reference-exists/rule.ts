import { ANALYSIS_PLACES, NESTED_TEMPLATE_PLACES, TEMPLATE_KINDS } from '../../world/analysis.ts';
import { memo } from '../../world/memo.ts';
import { KINDS, kindOf, namespaceOf, type KindId, type KubeObject } from '../../world/object.ts';
import { nearest } from '../../world/nearest.ts';
import { at } from '../../world/path.ts';
import { inEach } from '../../world/place.ts';
import { REFERENCE_PLACES } from '../../world/reference-places.ts';
import { references } from '../../world/references.ts';
import type { Reference, Role } from '../../world/reference-list.ts';
import { versionsMatching, type OfVersions } from '../../world/rollouts-versions.ts';
import { defineRule, type RuleContext } from '../define.ts';
import { messages } from './messages.ts';
import { checkNested } from './nested.ts';

const OTHER_SCOPE: Partial<Record<KindId, KindId>> = {
  'AnalysisTemplate.argoproj.io': 'ClusterAnalysisTemplate.argoproj.io',
  'ClusterAnalysisTemplate.argoproj.io': 'AnalysisTemplate.argoproj.io',
};

// Bounds the cost, because each hint lists all objects of a kind in the namespace.
const MAX_HINTS = 20;
const MAX_KNOWN = 200;

// The end of the message for each role. References with a role that is not here are not checked.
const USE: Partial<Record<Role, string>> = {
  stable: '',
  canary: '',
  ping: '',
  pong: '',
  active: '',
  preview: '',
  root: '',
  template: '',
  VirtualService: ' (needed to set weights)',
  DestinationRule: ' (needed to set subsets)',
  route: ' (needed to set weights)',
  Ingress: ' (needed to route traffic)',
  router: ' (needed to route traffic)',
  'virtual node': ' (needed to select the pods)',
  workload: ' (needed for the pod template)',
  ConfigMap: ', so the pods cannot start',
  Secret: ', so the pods cannot start',
  ServiceAccount: ', so the pods cannot start',
};

// The only one of these in a namespace is probably meant. A Service or ConfigMap is often there for something else.
const OF_ONE: ReadonlySet<Role> = new Set<Role>([
  'template',
  'VirtualService',
  'DestinationRule',
  'route',
  'Ingress',
  'router',
]);

// Only their existence counts.
const LOOKED_UP_BY_NAME = [
  'Service',
  'ConfigMap',
  'Secret',
  'ServiceAccount',
  'PodTemplate',
  'Deployment.apps',
  'ReplicaSet.apps',
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
  'VirtualNode.appmesh.k8s.aws',
] as const;

export const referenceExists = defineRule({
  id: 'reference-exists',
  summary: 'Everything that a Rollout, an Experiment or an analysis template refers to exists.',
  explanation:
    'The controller marks a Rollout InvalidSpec while a Service, Ingress, VirtualService, workload or analysis ' +
    'template that it names is missing. Pods do not start without their ConfigMaps, Secrets and ServiceAccount. ' +
    'Manifests may arrive in any order, so this rule never rejects one. Not checked: optional references, the ' +
    'ServiceAccount "default", routes selected by labels, and the references of a workload that supplies the pod ' +
    'template. Source: Argo Rollouts v1.9.1, rollout/controller.go (getRolloutReferencedResources) and utils/istio ' +
    '(a VirtualService as name.namespace), utils/defaults (the group of TraefikServices).',
  subject: {
    'Rollout.argoproj.io': [...REFERENCE_PLACES['Rollout.argoproj.io'], ...ANALYSIS_PLACES['Rollout.argoproj.io']],
    ...inEach(TEMPLATE_KINDS, NESTED_TEMPLATE_PLACES),
    'Experiment.argoproj.io': [
      ...REFERENCE_PLACES['Experiment.argoproj.io'],
      ...ANALYSIS_PLACES['Experiment.argoproj.io'],
    ],
  },
  reads: { ...inEach(TEMPLATE_KINDS, NESTED_TEMPLATE_PLACES), ...inEach(LOOKED_UP_BY_NAME, []) },
  example: { fixture: 'bad-services-and-ingress.yaml' },
  messages,
  check(context, subject) {
    checkNested(context, subject);
    const own = namespaceOf(subject);
    const seen = new Set<string>();
    let hints = MAX_HINTS;
    let used: ReadonlySet<string> | undefined;
    const ofVersions = references(subject).filter(
      ({ versions }) => versionsMatching(context.versions, versions) !== 'none',
    );
    for (const reference of ofVersions) {
      const { kind, namespace, name, role, path, key, versions } = reference;
      const use = USE[role];
      // Some releases only may read the names of two entries alike.
      const place = `${role} ${key} ${JSON.stringify(versions)}`;
      if (kind === undefined || use === undefined || seen.has(place) || isExempt(reference, own)) continue;
      seen.add(place);
      context.spend(1);
      const found = context.find(kind, namespace, name);
      checkTraefikGroup(context, reference, found);
      if (found !== undefined) continue;

      if (checkScope(context, own, reference)) continue;
      if (context.lookup(kind, namespace, name).state !== 'absent') continue;
      const anchor = `${role} ${name}`;
      const written = String(at(subject, path));
      if (role === 'VirtualService' && written.includes('.')) {
        context.report('dotted', { path, anchor, data: { name, namespace, written }, versions });
      } else {
        const what = kind === 'Service' ? `${role} Service` : KINDS[kind].kind;
        const where = isAbroad(kind, namespace, own) ? ` in namespace "${namespace}"` : '';
        let hint = '';
        if (hints-- > 0) {
          used ??= usedNames(context, subject, ofVersions);
          hint = hintFor(context, own, reference, used);
        }
        context.report('absent', { path, anchor, data: { what, name, where, use, hint } });
      }
    }
  },
});

const TRAEFIK_OLD = 'traefik.containo.us/v1alpha1';
const TRAEFIK_NEW = 'traefik.io/v1alpha1';

// The controller asks for one group only. While releases may differ, the new group is right: it is the one that Traefik
// kept.
function checkTraefikGroup(
  context: RuleContext<typeof messages>,
  { kind, path }: Reference,
  found: KubeObject | undefined,
): void {
  if (kind !== 'TraefikService.traefik.io' || found === undefined) return;
  const { apiVersion } = found;
  const { name } = found.metadata;
  const report = (expected: string, versions: OfVersions): void => {
    context.report('traefikGroup', {
      path,
      anchor: name,
      data: { name, apiVersion, expected },
      related: [{ object: found, path: ['apiVersion'] }],
      versions,
    });
  };
  const before: OfVersions = { before: 'traefikGroupIsNew' };
  if (apiVersion === TRAEFIK_OLD) report(TRAEFIK_NEW, { since: 'traefikGroupIsNew' });
  else if (versionsMatching(context.versions, before) === 'all') report(TRAEFIK_OLD, before);
}

// Reports a template that is there in the other scope. In a folder of manifests little is known of cluster-scoped ones.
function checkScope(
  context: RuleContext<typeof messages>,
  own: string,
  { kind, namespace, name, role, path }: Reference,
): boolean {
  const other = kind === undefined ? undefined : OTHER_SCOPE[kind];
  if (kind === undefined || other === undefined || own === '') return false;
  if (context.lookup(other, own, name).state !== 'present') return false;
  const isAbsent = context.lookup(kind, namespace, name).state === 'absent';
  context.report(isAbsent ? 'otherScope' : 'otherScopeHere', {
    path,
    anchor: `${role} ${name}`,
    data: { kind: KINDS[kind].kind, name, ...scopeAdvice(other) },
  });
  return true;
}

function isExempt({ kind, role, name, optional }: Reference, own: string): boolean {
  // A cluster-scoped template names AnalysisTemplates in the namespace of the Rollout that uses it.
  return (
    optional ||
    (role === 'ServiceAccount' && name === 'default') ||
    (own === '' && kind === 'AnalysisTemplate.argoproj.io')
  );
}

function isAbroad(kind: KindId, namespace: string, own: string): boolean {
  return KINDS[kind].namespaced && namespace !== own;
}

function scopeAdvice(other: KindId): { other: string; advice: string } {
  return other === 'ClusterAnalysisTemplate.argoproj.io'
    ? { other: 'a ClusterAnalysisTemplate', advice: 'set clusterScope: true next to templateName' }
    : { other: 'an AnalysisTemplate', advice: 'remove clusterScope next to templateName' };
}

// What the subject names already, and itself: a template that includes itself would end the controller.
function usedNames(
  context: RuleContext<typeof messages>,
  subject: KubeObject,
  all: readonly Reference[],
): ReadonlySet<string> {
  context.spend(all.length);
  return new Set([`${kindOf(subject)} ${subject.metadata.name}`, ...all.map(({ kind, name }) => `${kind} ${name}`)]);
}

// Not every user who may write a Rollout may read other namespaces or the names of Secrets.
function hintFor(
  context: RuleContext<typeof messages>,
  own: string,
  { kind, namespace, name, role }: Reference,
  used: ReadonlySet<string>,
): string {
  if (kind === undefined || kind === 'Secret' || isAbroad(kind, namespace, own)) return '';
  const known = hintsIn(context.list(kind, namespace));
  let near = known.hints.get(name);
  if (near === undefined && !known.hints.has(name)) {
    near = nearest(name, known.names);
    // The list may live as long as the process.
    if (known.hints.size === MAX_KNOWN) known.hints.clear();
    known.hints.set(name, near);
  }
  if (near !== undefined) return ` (did you mean "${near}"?)`;
  const [only, second] = known.names;
  // A name that is not even similar is told of the namespace of the subject only.
  const isOnly = only !== undefined && second === undefined && KINDS[kind].namespaced;
  return isOnly && OF_ONE.has(role) && !used.has(`${kind} ${only}`) ? ` (the only one here is "${only}")` : '';
}

// Many Rollouts may name the same object that is missing.
const hintsIn = memo((objects: readonly KubeObject[]) => ({
  names: objects.map(({ metadata }) => metadata.name),
  hints: new Map<string, string | undefined>(),
}));
