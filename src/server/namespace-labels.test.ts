import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY, type Policy } from '../policy/policy.ts';
import type { KubeObject } from '../world/object.ts';
import { ObjectStore } from '../world/store.ts';
import { createLog } from './log.ts';
import { NamespaceLabels } from './namespace-labels.ts';

function labelled(name: string, label: string, value: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [label]: value } } };
}

describe('NamespaceLabels', () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) });
  const told = (): unknown[] => lines.splice(0).map(({ namespace, reason }) => [namespace, reason]);

  it('logs a label that names nothing once the cluster has been read, and again only when it is new', () => {
    const world = new ObjectStore();
    world.put(labelled('shop', 'rollgate.io/policy', 'strickt'));
    let settled = false;
    let policy: Policy = { ...DEFAULT_POLICY, overrides: [{ name: 'strict', namespaces: [] }] };
    const labels = new NamespaceLabels({ world, policy: () => policy, settled: () => settled }, log, 3_600_000);
    labels.check();
    expect(told()).toEqual([]);
    settled = true;
    for (let count = 0; count < 3; count++) labels.check();
    const strickt = [
      'shop',
      'label rollgate.io/policy names override "strickt", which the policy does not have, so it has no effect: use "strict"',
    ];
    expect(told()).toEqual([strickt]);
    world.put(labelled('other', 'rollgate.io/convert', 'canry'));
    labels.check();
    expect(told()).toEqual([['other', expect.stringContaining('use "canary"')]]);
    expect(labels.counts()).toEqual({ 'rollgate.io/policy': 1, 'rollgate.io/convert': 1 });
    world.put(labelled('shop', 'rollgate.io/policy', 'strict'));
    labels.check();
    expect(labels.counts()).toEqual({ 'rollgate.io/policy': 0, 'rollgate.io/convert': 1 });
    // A policy that loses an override makes its labels unknown.
    policy = DEFAULT_POLICY;
    labels.check();
    expect(told()).toEqual([['shop', expect.stringContaining('override "strict"')]]);
    labels.stop();
  });

  it('logs no more than twenty at a time', () => {
    const world = new ObjectStore();
    for (let index = 0; index < 25; index++) world.put(labelled(`n-${index}`, 'rollgate.io/policy', 'x'));
    const sources = { world, policy: () => DEFAULT_POLICY, settled: () => true };
    const labels = new NamespaceLabels(sources, log, 3_600_000);
    labels.check();
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toMatchObject({ more: 5 });
    labels.stop();
  });
});
