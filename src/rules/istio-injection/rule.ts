import { containerPlaces } from '../../world/containers.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, dig, optionalString, asString, stringMap } from '../../world/read.ts';
import {
  DESTINATION_RULE_PLACES,
  destinationRuleOf,
  effectiveTemplate,
  effectiveTemplatePlaces,
  istioOf,
  VIRTUAL_SERVICE_ENTRY_PLACES,
  virtualServiceEntries,
  workloadPlaces,
  type EffectiveTemplate,
} from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

const INJECT = 'sidecar.istio.io/inject';
const REVISION = 'istio.io/rev';
const DATAPLANE = 'istio.io/dataplane-mode';

// In a pod template: what decides whether Istio injects its proxy, and whether it is there already.
const TEMPLATE_PLACES = ['metadata.annotations', ...containerPlaces('name')];

export const istioInjection = defineRule({
  id: 'istio-injection',
  summary:
    'The pods of a Rollout with Istio get a sidecar, and its VirtualServices and DestinationRule are for one Istio revision.',
  explanation:
    'The sidecar of the sending pod applies the weights of a VirtualService for the mesh. A pod gets a sidecar if ' +
    'its namespace has the label istio-injection=enabled or istio.io/rev. It also gets one if the pod itself has ' +
    'the label sidecar.istio.io/inject=true. Without a sidecar, the pods of a Rollout ignore all weights when they ' +
    'send requests, and do not use mutual TLS. VirtualServices for gateways only, ambient mode and sidecars written ' +
    'into the pod template are not checked. Only the Istio revision in the label istio.io/rev reads an object with ' +
    'this label. Source: Istio, sidecar injection and revision labels of its reference. An installation that ' +
    'injects by default (enableNamespacesByDefault) needs none of these labels.',
  subject: {
    'Rollout.argoproj.io': [
      ...effectiveTemplatePlaces(...TEMPLATE_PLACES),
      ...VIRTUAL_SERVICE_ENTRY_PLACES,
      ...DESTINATION_RULE_PLACES,
    ],
  },
  reads: {
    Namespace: ['metadata.labels'],
    'DestinationRule.networking.istio.io': ['metadata.labels'],
    'VirtualService.networking.istio.io': ['metadata.labels', 'spec.gateways'],
    ...workloadPlaces(...TEMPLATE_PLACES),
  },
  example: {
    fixture: 'bad-two-revisions.yaml',
    referenced: 'DestinationRule reviews',
    before: [['1-27-0', '1-26-2']],
  },
  messages: {
    noSidecar: {
      class: 'advice',
      text: 'the pods of Rollout "{rollout}" get no Istio sidecar (not enabled in namespace "{namespace}" or the pod template)',
      fix: 'label the namespace with istio-injection=enabled or istio.io/rev, or the pod template with sidecar.istio.io/inject=true',
    },
    optedOut: {
      class: 'advice',
      text: 'the pods of Rollout "{rollout}" get no Istio sidecar, because their template sets sidecar.istio.io/inject=false',
      fix: 'remove it from the pod template',
    },
    revision: {
      class: 'advice',
      text: 'VirtualService "{virtualService}" is for {its}, but DestinationRule "{destinationRule}" is for {other}',
      fix: 'set the same istio.io/rev label on both, or on neither',
    },
  },
  check(context, rollout) {
    if (istioOf(rollout) === undefined) return;
    const namespace = namespaceOf(rollout);
    const virtualServices = virtualServiceEntries(rollout, context).flatMap((entry) =>
      entry.name === '' ? [] : (context.find('VirtualService.networking.istio.io', entry.namespace, entry.name) ?? []),
    );
    const ref = destinationRuleOf(rollout);
    const destinationRule =
      ref === undefined || ref.name === ''
        ? undefined
        : context.find('DestinationRule.networking.istio.io', namespace, ref.name);
    if (destinationRule !== undefined) {
      const other = revisionOf(destinationRule);
      for (const virtualService of new Set(virtualServices)) {
        const its = revisionOf(virtualService);
        if (its === other) continue;
        context.report('revision', {
          object: destinationRule,
          path: ['metadata', 'labels', REVISION],
          anchor: `${namespaceOf(virtualService)}/${virtualService.metadata.name}`,
          data: {
            virtualService: virtualService.metadata.name,
            its,
            destinationRule: destinationRule.metadata.name,
            other,
          },
          related: [
            { object: virtualService, path: ['metadata', 'labels', REVISION] },
            { object: rollout, path: ['spec', 'strategy', 'canary', 'trafficRouting', 'istio'] },
          ],
        });
      }
    }

    if (!virtualServices.some(isForMesh)) return;
    const template = effectiveTemplate(rollout, context.find);
    if (template === undefined) return;
    const home = context.find('Namespace', '', namespace);
    if (home === undefined) return;
    const labels = stringMap(home.metadata['labels']);
    const pods = injectionOf(template);
    if (labels.get(DATAPLANE) === 'ambient' || pods.isElsewhere) return;
    const asks = namespaceAsks(labels);
    const place = { object: template.source, anchor: template.source.metadata.name };
    const related = [
      { object: rollout, path: ['spec', 'strategy', 'canary', 'trafficRouting', 'istio'] },
      { object: home, path: ['metadata', 'labels'] },
    ];
    const data = { rollout: rollout.metadata.name, namespace };
    if (asks && pods.inject === 'false')
      context.report('optedOut', { ...place, path: [...template.path, 'metadata', pods.field, INJECT], data, related });
    if (!asks && !pods.asks)
      context.report('noSidecar', { ...place, path: [...template.path, 'metadata', 'labels'], data, related });
  },
});

/** Returns whether sidecars are injected in a namespace with these labels. If both labels exist, istio-injection wins. */
function namespaceAsks(labels: ReadonlyMap<string, string>): boolean {
  return labels.has('istio-injection')
    ? labels.get('istio-injection') === 'enabled'
    : optionalString(labels.get(REVISION)) !== undefined;
}

function revisionOf(object: KubeObject): string {
  const revision = optionalString(dig(object.metadata, 'labels', REVISION));
  return revision === undefined ? 'all Istio revisions' : `Istio revision "${revision}"`;
}

/** Returns whether sidecars apply a VirtualService. Without gateways it is for the mesh. */
function isForMesh(virtualService: KubeObject): boolean {
  const gateways = asArray(dig(virtualService, 'spec', 'gateways'));
  return gateways.length === 0 || gateways.includes('mesh');
}

interface Injection {
  /** The injection setting of the template; the label overrides the annotation. Empty if there is none. */
  readonly inject: string;
  readonly field: 'labels' | 'annotations';
  readonly asks: boolean;
  /** Whether the pods need no injected sidecar, because of ambient mode or a proxy written into the template. */
  readonly isElsewhere: boolean;
}

function injectionOf({ template, labels }: EffectiveTemplate): Injection {
  const field = labels.has(INJECT) ? 'labels' : 'annotations';
  const inject = asString(dig(template, 'metadata', field, INJECT));
  const containers = ['containers', 'initContainers'].flatMap((list) => asArray(dig(template, 'spec', list)));
  const isElsewhere =
    labels.get(DATAPLANE) === 'ambient' || containers.some((container) => dig(container, 'name') === 'istio-proxy');
  return { inject, field, asks: inject === 'true' || (inject !== 'false' && labels.has(REVISION)), isElsewhere };
}
