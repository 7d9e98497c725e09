import { containersOf, ownContainerPlaces, ownTemplate, TEMPLATE_PATH } from '../../world/containers.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { below } from '../../world/place.ts';
import { asArray, dig, asString, stringMap, type JsonObject } from '../../world/read.ts';
import { POD_REFERENCE_PLACES, podReferences } from '../../world/pod-references.ts';
import { defineRule } from '../define.ts';

// Signs that something changes the pod template together with the configuration, or restarts the pods.
const GENERATED_KEY = /checksum|hash|sha[0-9]|digest|reload|restart|rollme|timestamp|config/i;
const GENERATED_VALUE = /^(sha256:)?[0-9a-f]{7,}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}T/i;
const GENERATED_VARIABLE = /checksum|hash|config_?(version|revision)/i;
// Platforms put CA bundles into every namespace and update them in place on purpose.
const AUTHORITIES = /(^|[-.])ca([-.]|$)/;

export const configInPlace = defineRule({
  id: 'config-in-place',
  summary: 'A ConfigMap of a Rollout gets a new name with new content, or the pod template has a checksum of it.',
  explanation:
    'Only a change of the pod template creates a new revision. An edit to a ConfigMap that keeps its name reaches ' +
    'all pods, old and new, either at once or when they restart. No step or analysis applies, and there is ' +
    'nothing to roll back to. Give the ConfigMap a new name for each content, as Kustomize does. Or put a checksum ' +
    'of it into an annotation of the pod template, as Helm charts do. The rule reports nothing if a reloader is ' +
    'present or if anything else in the template looks generated. Source: Argo Rollouts v1.9.1, ' +
    'docs/best-practices.md.',
  subject: {
    'Rollout.argoproj.io': [
      'metadata.annotations',
      'spec.template.metadata.annotations',
      ...ownContainerPlaces('image', 'env[*].name'),
      ...below('spec.template.spec', POD_REFERENCE_PLACES),
    ],
  },
  lintOnly: true,
  reads: { ConfigMap: ['immutable'] },
  messages: {
    fixed: {
      class: 'advice',
      text: 'ConfigMap "{name}" has a fixed name, so an edit reaches old and new pods alike and creates no revision',
      fix: 'put a version or hash into its name, or a checksum of it into an annotation of the pod template',
    },
  },
  check(context, rollout) {
    const template = ownTemplate(rollout);
    if (template === undefined || isRefreshed(rollout, template)) return;
    const said = new Set<string>();
    for (const { kind, namespace, name, path } of podReferences(
      template['spec'],
      [...TEMPLATE_PATH, 'spec'],
      namespaceOf(rollout),
    )) {
      const whole = path.includes('volumes') || path.includes('envFrom');
      if (kind !== 'ConfigMap' || !whole || said.has(name) || isVersioned(name)) continue;
      said.add(name);
      const found = context.lookup('ConfigMap', namespace, name);
      if (found.state !== 'present' || found.object['immutable'] === true) continue;
      context.report('fixed', {
        path,
        anchor: name,
        data: { name },
        related: [{ object: found.object, path: ['metadata', 'name'] }],
      });
    }
  },
});

function isRefreshed(rollout: KubeObject, template: JsonObject): boolean {
  const annotations = [...stringMap(dig(template, 'metadata', 'annotations'))];
  if (annotations.some(([key, value]) => GENERATED_KEY.test(key) || GENERATED_VALUE.test(value))) return true;
  if ([...stringMap(rollout.metadata['annotations']).keys()].some((key) => /reload/i.test(key))) return true;
  return containersOf(template, TEMPLATE_PATH).some(
    ({ name, raw }) =>
      /reload/i.test(`${name} ${asString(raw['image'])}`) ||
      asArray(raw['env']).some((variable) => GENERATED_VARIABLE.test(asString(dig(variable, 'name')))),
  );
}

function isVersioned(name: string): boolean {
  const last = name.slice(Math.max(name.lastIndexOf('-'), name.lastIndexOf('.')) + 1);
  // A counter, a date, `v2` or a hash with a digit; or a hash without a digit, in hexadecimal or in the letters that
  // Kustomize uses.
  return /[0-9]/.test(last) || /^[a-f]{7,}$/.test(last) || /^[bcdfghkmt]{10}$/.test(last) || AUTHORITIES.test(name);
}
