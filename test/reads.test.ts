import { describe, expect, it } from 'vitest';
import { defineRule, type Rule } from '../src/rules/define.ts';
import { RULES } from '../src/rules/index.ts';
import { bundleWorld } from '../src/world/manifests.ts';
import { kindOf, type KindId } from '../src/world/object.ts';
import { asArray, dig } from '../src/world/read.ts';
import { isBeingDeleted, workloadPlaces } from '../src/world/rollout.ts';
import { completionsOf, editsOf } from './support/edits.ts';
import { neverRead, undeclared } from './support/places.ts';
import { readsOf, type Read } from './support/recorder.ts';
import { FIXTURES, RULE_SETUPS } from './support/rule-setups.ts';
import type { Setup } from './support/setups.ts';

// Fields of these complete the objects of a rule's own fixtures: one in ten of all objects.
const DONORS = FIXTURES.flatMap(({ objects }) => objects).filter((_, index) => index % 10 === 0);
const WORLDS = RULE_SETUPS.map((setup) => ({ setup, world: bundleWorld(setup.objects) }));

class Reads {
  readonly all = new Set<Read>();
  readonly undeclared = new Map<string, string>();
  readonly #rule: Rule;

  constructor(rule: Rule) {
    this.#rule = rule;
  }

  record({ file, objects }: Setup, world = bundleWorld(objects)): void {
    for (const subject of objects) {
      if (!this.#rule.subject.includes(kindOf(subject) as KindId) || isBeingDeleted(subject)) continue;
      const fresh = readsOf(this.#rule, world, subject).filter((read) => !this.all.has(read));
      for (const read of fresh) this.all.add(read);
      for (const text of undeclared(this.#rule, fresh)) this.undeclared.set(text, file);
    }
  }
}

describe('the places that a rule declares', () => {
  it.each(RULES.map((rule) => [rule.id, rule] as const))(
    '%s reads all of them, and no others',
    { timeout: 300_000 },
    (id, rule) => {
      const reads = new Reads(rule);
      for (const { setup, world } of WORLDS) reads.record(setup, world);
      for (const { file, objects } of FIXTURES) {
        if (!file.startsWith(`src/rules/${id}/`)) continue;
        for (const [index, object] of objects.entries())
          for (const variant of [...editsOf(object), ...completionsOf(object, DONORS)])
            reads.record({ file, objects: objects.with(index, variant) });
      }
      expect(
        [...reads.undeclared].map(([text, file]) => `${text} (in ${file})`),
        'add these places to `subject` or `reads` of the rule',
      ).toEqual([]);
      expect(
        neverRead(rule, [...reads.all]),
        'add a value at these places to a fixture of the rule, or remove the places from its `subject` or `reads`',
      ).toEqual([]);
    },
  );
});

describe('the recording', () => {
  const rollout = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
    spec: { strategy: { canary: { steps: [{ setWeight: 5 }, { pause: {} }] } } },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { ports: [{ port: 80 }], selector: { app: 'web' } },
  };
  const neighbour = { ...rollout, metadata: { name: 'other', namespace: 'shop' } };

  const reads = (check: Parameters<typeof defineRule>[0]['check']): string[] => {
    const rule = defineRule({
      id: 'made-up',
      summary: '',
      explanation: '',
      subject: { 'Rollout.argoproj.io': ['spec.strategy.canary.steps[*].setWeight', 'metadata.labels'] },
      reads: { Service: ['spec.ports'] },
      messages: {},
      check,
    });
    return undeclared(rule, readsOf(rule, bundleWorld([rollout, service, neighbour]), rollout));
  };

  it.each<[string, Parameters<typeof defineRule>[0]['check'], string[]]>([
    ['a declared place', (_, subject) => dig(subject, 'metadata', 'labels', 'app'), []],
    ['all of a declared place', (_, subject) => JSON.stringify(subject.metadata['labels']), []],
    ['what is above a declared place', (_, subject) => dig(subject, 'spec', 'strategy', 'canary') !== undefined, []],
    [
      'the length of a list with a declared place',
      (_, subject) => asArray(dig(subject, 'spec', 'strategy', 'canary', 'steps')).length,
      [],
    ],
    ['the name and the kind', (_, subject) => [subject.kind, subject.apiVersion, subject.metadata.name], []],
    ['another place', (_, subject) => dig(subject, 'spec', 'replicas'), ['spec.replicas: `subject`']],
    [
      'whether a place is there',
      (_, subject) => Object.hasOwn(subject['spec'] as object, 'paused'),
      ['spec.paused: `subject`'],
    ],
    ['whether a place is in it', (_, subject) => 'paused' in (subject['spec'] as object), ['spec.paused: `subject`']],
    [
      'the keys above a declared place',
      (_, subject) => Object.keys(dig(subject, 'spec', 'strategy') as object),
      ['all keys of spec.strategy: `subject`'],
    ],
    [
      'an item next to a declared place',
      (_, subject) => asArray(dig(subject, 'spec', 'strategy', 'canary', 'steps')).map((step) => dig(step, 'pause')),
      ['spec.strategy.canary.steps[*].pause: `subject`'],
    ],
    [
      'a declared place of another object',
      (context) => dig(context.find('Service', 'shop', 'web'), 'spec', 'ports'),
      [],
    ],
    [
      'another place of another object',
      (context) => dig(context.find('Service', 'shop', 'web'), 'spec', 'selector', 'app'),
      ['spec.selector: `reads`', 'spec.selector.app: `reads`'],
    ],
    [
      'in another object what is only declared of the subject',
      (context) => dig(context.find('Rollout.argoproj.io', 'shop', 'other'), 'metadata', 'labels'),
      ['metadata.labels: `reads`'],
    ],
    [
      'who refers to an object',
      (context) => context.referrers('DestinationRule.networking.istio.io', 'Service', 'shop', 'web'),
      ['all keys of spec.host: `reads`'],
    ],
    [
      'who selects the same pods',
      (context) => context.samePods('Deployment.apps', 'shop', new Map([['app', 'web']])),
      ['all keys of spec.selector.matchLabels: `reads`'],
    ],
  ])('finds that a rule reads %s', (_, check, expected) => {
    expect(reads(check).map((text) => text.replace(/^made-up reads | of \S+$/g, ''))).toEqual(expected);
  });

  it('finds the places that are never read, once for all kinds that a helper reads in the same way', () => {
    const rule = defineRule({
      id: 'made-up',
      summary: '',
      explanation: '',
      subject: { 'Rollout.argoproj.io': ['spec.strategy', 'spec.paused'] },
      reads: { Service: ['spec.ports'], ...workloadPlaces('spec.containers[*].name', 'spec.volumes') },
      messages: {},
      check: (context, subject) => {
        dig(subject, 'spec', 'strategy');
        const template = dig(context.find('PodTemplate', 'shop', 'web'), 'template');
        dig(template, 'metadata', 'labels');
        asArray(dig(template, 'spec', 'containers')).map((container) => dig(container, 'name'));
      },
    });
    const template = {
      apiVersion: 'v1',
      kind: 'PodTemplate',
      metadata: { name: 'web', namespace: 'shop' },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web' }] } },
    };
    const workloads = 'Deployment.apps or ReplicaSet.apps or PodTemplate';
    expect(neverRead(rule, readsOf(rule, bundleWorld([rollout, template]), rollout))).toEqual([
      'made-up never reads spec.paused: `subject` of Rollout.argoproj.io',
      'made-up never reads spec.ports: `reads` of Service',
      `made-up never reads spec.selector: \`reads\` of ${workloads}`,
      `made-up never reads spec.template.spec.volumes: \`reads\` of ${workloads}`,
    ]);
  });

  it('gives a rule the same copy of an object each time', () => {
    const seen: unknown[] = [];
    reads((context, subject) => {
      seen.push(context.find('Rollout.argoproj.io', 'shop', 'web') === subject);
      seen.push(dig(subject, 'spec') === dig(subject, 'spec'));
      const listed = context.list('Rollout.argoproj.io', 'shop');
      seen.push(listed.includes(subject), listed === context.list('Rollout.argoproj.io', 'shop'));
    });
    expect(seen).toEqual([true, true, true, true]);
  });
});
