import { containersOf, ownTemplate, TEMPLATE_PATH } from '../../world/containers.ts';
import { namespaceOf, type KubeObject } from '../../world/object.ts';
import { asArray, dig, asString, stringMap, type JsonObject } from '../../world/read.ts';
import { podReferences } from '../../world/pod-references.ts';
import { defineRule } from '../define.ts';

// By these a pod template shows that something changes it along with the configuration, or restarts the pods.
const GENERATED_KEY = /checksum|hash|sha[0-9]|digest|reload|restart|rollme|timestamp|config/i;
const GENERATED_VALUE = /^(sha256:)?[0-9a-f]{7,}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}T/i;
const GENERATED_VARIABLE = /checksum|hash|config_?(version|revision)/i;
// The bundles of certificate authorities that platforms put into every namespace change in place on purpose.
const AUTHORITIES = /(^|[-.])ca([-.]|$)/;

export const configInPlace = defineRule({
  id: 'config-in-place',
  summary:
    'A ConfigMap that a Rollout mounts has a name that changes with its content, or the pod template has a checksum of it.',
  explanation:
    'Only a change of the pod template makes a new revision. A ConfigMap that is edited under the same name reaches all pods at once, stable and canary alike, some when they restart and some at once: no step, no analysis, and nothing to roll back to. ' +
    'Give it a new name with each content, as Kustomize does, or put a checksum of it into an annotation of the template, as Helm charts do. With a reloader, or anything else in the template that looks generated, this rule is silent. ' +
    'Source: Argo Rollouts v1.9.1, docs/best-practices.md.',
  subject: ['Rollout.argoproj.io'],
  lintOnly: true,
  reads: ['ConfigMap'],
  messages: {
    fixed: {
      class: 'advice',
      text: 'ConfigMap "{name}" is used under a fixed name, so that editing it changes stable and canary at once and makes no revision',
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
  // A counter, a date, `v2`, any hash that holds a digit; a hash without one: hexadecimal, or in the letters of
  // kustomize.
  return /[0-9]/.test(last) || /^[a-f]{7,}$/.test(last) || /^[bcdfghkmt]{10}$/.test(last) || AUTHORITIES.test(name);
}
