import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fixturesIn } from '../../test/support/snapshots.ts';
import { objectsOf } from '../../test/support/gate.ts';
import { bundleWorld } from '../world/manifests.ts';
import { keyOf, kindOf, type KubeObject } from '../world/object.ts';
import { renderPath } from '../world/path.ts';
import { asArray, isObject, type JsonObject } from '../world/read.ts';
import { Overlay } from '../world/store.ts';
import { evaluate } from './engine.ts';
import type { Finding } from './finding.ts';
import { RULES } from './index.ts';
import { isUnseen, unreadPlaces } from './unread.ts';

const GATE_RULES = RULES.filter(({ lintOnly }) => !lintOnly);

// Every set-up that any rule is documented with, bad ones and good ones.
const FIXTURES = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const folder = join(import.meta.dirname, name, 'fixtures');
    return fixturesIn(folder).map((file) => ({
      title: `${name}/${file}`,
      text: readFileSync(join(folder, file), 'utf8'),
    }));
  });

type Edit = (value: unknown) => unknown;
const GONE = Symbol('gone');

// Every object that comes of an edit at some place: at each item of the lists on the way.
function edits(value: unknown, place: readonly string[], edit: Edit): unknown[] {
  const [key, ...rest] = place;
  if (key === undefined) return [edit(value)].filter((edited) => edited !== value);
  if (key === '*')
    return asArray(value).flatMap((item, index) =>
      edits(item, rest, edit).map((edited) => asArray(value).with(index, edited)),
    );
  if (!isObject(value)) return [];
  return edits(value[key], rest, edit).map((edited) => {
    const { [key]: _, ...others } = value;
    return edited === GONE ? others : { ...others, [key]: edited };
  });
}

const REPLACED: readonly Edit[] = [
  () => 'something else',
  () => 0,
  () => ({ something: [{ else: 'than before' }] }),
  (value) => (value === undefined ? value : GONE),
];
const OTHER_VALUE: Edit = (value) =>
  typeof value === 'string' && value.trim() !== ''
    ? `other-{{args.none}}-${value.length} $(NONE)`
    : typeof value === 'number'
      ? value + 1
      : value;

function variants(object: KubeObject): KubeObject[] {
  const kind = kindOf(object);
  if (kind === undefined) return [];
  const { anything, values } = unreadPlaces(kind);
  const made = [
    ...anything.flatMap((place) => REPLACED.flatMap((edit) => edits(object, place, edit))),
    ...values.flatMap((place) => edits(object, place, OTHER_VALUE)),
  ];
  return made as KubeObject[];
}

// By place and not by anchor: a container without a name is known by its image, and is no newer a mistake with another
// one.
function placed({ rule, messageId, subject, object, path }: Finding): string {
  return [rule, messageId, keyOf(subject), keyOf(object), renderPath(path)].join(' ');
}

function seen(objects: readonly KubeObject[], changed?: KubeObject): { findings: string[]; skipped: string[] } {
  const base = bundleWorld(objects);
  const world = changed === undefined ? base : new Overlay(base, [changed]);
  const subjects = objects.map((object) =>
    changed !== undefined && keyOf(object) === keyOf(changed) ? changed : object,
  );
  const { findings, skipped } = evaluate(world, subjects, GATE_RULES);
  return {
    findings: findings.map(placed).sort(),
    skipped: skipped.map(({ rule, subject, reason }) => `${rule} ${keyOf(subject)} ${reason}`).sort(),
  };
}

describe('a change that is taken for unseen', () => {
  let tried = 0;
  let notUnseen = 0;
  it.each(FIXTURES)('changes no finding and no skip in $title', ({ text }) => {
    const objects = objectsOf(text);
    const before = seen(objects);
    for (const object of objects) {
      for (const variant of variants(object)) {
        if (!isUnseen(object, variant)) {
          notUnseen++;
          continue;
        }
        expect(seen(objects, variant)).toEqual(before);
        tried++;
      }
    }
  });

  it('was tried in many places', () => expect(tried).toBeGreaterThan(1_000));

  it('is every change at these places, except where an analysis may read them by fieldRef', () => {
    expect(notUnseen).toBeGreaterThan(0);
    expect(notUnseen).toBeLessThan(tried / 20);
  });
});

// The arguments of an analysis can read any field of a Rollout's spec, and its annotations.
describe('a change of what an analysis reads by fieldRef', () => {
  const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
  const template = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AnalysisTemplate',
    metadata: { name: 'success', namespace: 'shop' },
    spec: {
      args: [{ name: 'count', value: '5' }],
      metrics: [
        {
          name: 'success',
          count: '{{args.count}}',
          interval: '10s',
          successCondition: 'result > 0.9',
          provider: { prometheus: { query: 'up' } },
        },
      ],
    },
  };
  const reading = (fieldPath: string, count: string): KubeObject => ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop', annotations: { [LAST_APPLIED]: count } },
    spec: {
      template: { spec: { containers: [{ name: 'web', image: 'web:1', env: [{ name: 'COUNT', value: count }] }] } },
      strategy: {
        canary: {
          steps: [
            {
              analysis: {
                templates: [{ templateName: 'success' }],
                args: [{ name: 'count', valueFrom: { fieldRef: { fieldPath } } }],
              },
            },
          ],
        },
      },
    },
  });

  it.each(['spec.template.spec.containers[0].env[0].value', `metadata.annotations['${LAST_APPLIED}']`])(
    'is seen at %s',
    (path) => {
      const [before, after] = [reading(path, '3'), reading(path, '0')];
      expect(seen([before, template], after).findings).not.toEqual(seen([before, template]).findings);
      expect(isUnseen(before, after)).toBe(false);
    },
  );

  it.each(['metadata.name', 'metadata.namespace', 'metadata.labels', "metadata.labels['app']"])(
    'is not seen elsewhere, where it reads %s',
    (path) => {
      expect(isUnseen(reading(path, '3'), reading(path, '0'))).toBe(true);
    },
  );
});

describe('a change that rules can see', () => {
  const rollout = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
    spec: {
      replicas: 2,
      template: { spec: { containers: [{ name: 'web', image: 'web:1', ports: [{ containerPort: 80 }] }] } },
    },
  };
  const change = (spec: JsonObject, metadata: JsonObject = {}): KubeObject => ({
    ...rollout,
    metadata: { ...rollout.metadata, ...metadata },
    spec: { ...rollout.spec, ...spec },
  });
  const containers = (...list: unknown[]): JsonObject => ({ template: { spec: { containers: list } } });
  const [web] = rollout.spec.template.spec.containers;

  it.each([
    ['another count', change({ replicas: 3 })],
    ['another label', change({}, { labels: { app: 'shop' } })],
    ['a new annotation', change({}, { annotations: { 'rollgate.io/convert': 'off' } })],
    ['a field that is new', change({ paused: true })],
    ['a field that is gone', { ...rollout, spec: { template: rollout.spec.template } }],
    ['an empty image', change(containers({ ...web, image: '' }))],
    ['an image of another type', change(containers({ ...web, image: 7 }))],
    ['no image', change(containers({ name: 'web', ports: web?.ports }))],
    ['another port', change(containers({ ...web, ports: [{ containerPort: 81 }] }))],
    ['one more container', change(containers(web, { name: 'second', image: 'web:1' }))],
    ['another version of the kind', { ...rollout, apiVersion: 'argoproj.io/v1alpha2' }],
    ['another name', change({}, { name: 'shop' })],
  ])('%s', (_, after) => expect(isUnseen(rollout, after)).toBe(false));

  it('and the same object, or another image, is none', () => {
    expect(isUnseen(rollout, structuredClone(rollout))).toBe(true);
    expect(isUnseen(rollout, change(containers({ ...web, image: 'web:2' })))).toBe(true);
  });
});
