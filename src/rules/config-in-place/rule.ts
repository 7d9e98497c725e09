import { namespaceOf } from '../../world/object.ts';
import { dig, stringMap } from '../../world/read.ts';
import { podReferences } from '../../world/references.ts';
import { workloadRefOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// A name that changes with the content: the suffix of Kustomize, a version, a number.
const VERSIONED = /-(?:[a-z0-9]{10}|v?\d+(?:[.-]\d+)*)$/;
const CHECKSUM = /checksum|sha\d*|hash|reloader/i;

export const configInPlace = defineRule({
  id: 'config-in-place',
  summary: 'A ConfigMap that a Rollout mounts has a name that changes with its content, or the pod template has a checksum of it.',
  explanation:
    'Only a change of the pod template makes a new revision. A ConfigMap that is edited under the same name reaches all pods at once, stable and canary alike, some when they restart and some at once: no step, no analysis, and nothing to roll back to. ' +
    'Give it a new name with each content, as Kustomize does, or put a checksum of it into an annotation of the template. Source: Argo Rollouts v1.9.1, docs/best-practices.md.',
  subject: ['Rollout.argoproj.io'],
  reads: ['ConfigMap'],
  messages: {
    fixed: {
      class: 'advice',
      text: 'ConfigMap "{name}" is used under a fixed name, so that editing it changes stable and canary at once and makes no revision',
      fix: 'put a version or hash into its name, or a checksum of it into an annotation of the pod template',
    },
  },
  check(context, rollout) {
    if (workloadRefOf(rollout) !== undefined) return;
    const template = dig(rollout, 'spec', 'template');
    const annotations = [...stringMap(dig(template, 'metadata', 'annotations')).keys(), ...stringMap(rollout.metadata['annotations']).keys()];
    if (annotations.some((key) => CHECKSUM.test(key))) return;
    const said = new Set<string>();
    for (const { kind, name, path } of podReferences(dig(template, 'spec'), ['spec', 'template', 'spec'], namespaceOf(rollout))) {
      if (kind !== 'ConfigMap' || said.has(name) || VERSIONED.test(name)) continue;
      said.add(name);
      const found = context.lookup('ConfigMap', namespaceOf(rollout), name);
      if (found.state !== 'present' || dig(found.object, 'immutable') === true) continue;
      context.report('fixed', { path, anchor: name, data: { name }, related: [{ object: found.object, path: ['metadata', 'name'] }] });
    }
  },
});
