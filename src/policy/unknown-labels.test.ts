import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import type { World } from '../world/world.ts';
import { DEFAULT_POLICY, type Policy } from './policy.ts';
import { unknownLabels } from './unknown-labels.ts';

const POLICY: Policy = { ...DEFAULT_POLICY, overrides: [{ name: 'strict', namespaces: [] }] };

function namespace(name: string, labels?: unknown): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, ...(labels === undefined ? {} : { labels }) },
  };
}

describe('unknownLabels', () => {
  it('finds labels that name nothing in the policy, and suggests the nearest name', () => {
    const world = storeOf([
      namespace('b', { 'rollgate.io/policy': 'strickt', 'rollgate.io/convert': 'canry' }),
      namespace('a', { 'rollgate.io/policy': 'toString' }),
      namespace('good', { 'rollgate.io/policy': 'strict', 'rollgate.io/convert': 'blue-green', other: 'strickt' }),
      namespace('out', { 'rollgate.io/convert': 'off' }),
      namespace('none'),
      namespace('odd', { 'rollgate.io/policy': 7 }),
    ]);
    expect(
      unknownLabels(world, POLICY).map(({ namespace: { metadata }, message, fix }) => [metadata.name, message, fix]),
    ).toEqual([
      [
        'a',
        'label rollgate.io/policy names override "toString", which the policy does not have, so it has no effect',
        'use a name that the policy has, or remove the label',
      ],
      [
        'b',
        'label rollgate.io/policy names override "strickt", which the policy does not have, so it has no effect',
        'use "strict"',
      ],
      [
        'b',
        'label rollgate.io/convert names profile "canry", which the policy does not have, so it has no effect',
        'use "canary"',
      ],
    ]);
  });

  it('finds nothing while a fallback takes the place of the policy', () => {
    const world = storeOf([namespace('b', { 'rollgate.io/policy': 'strickt' })]);
    expect(unknownLabels(world, { ...POLICY, isFallback: true })).toEqual([]);
  });

  it('finds nothing where the namespaces are unknown', () => {
    const world: Pick<World, 'list'> = { list: () => ({ state: 'unknown', reason: 'not synced' }) };
    expect(unknownLabels(world as World, POLICY)).toEqual([]);
  });
});
