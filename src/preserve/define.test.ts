import { describe, expect, it } from 'vitest';
import { yaml } from '../../test/support/preserver-tester.ts';
import { isKubeObject, type KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import { definePreserver, NOTHING, refersTo, together, type Preserved } from './define.ts';

const kept: Preserved = { operations: [{ op: 'add', path: '/spec', value: {} }], notes: ['a note'] };
const keep = definePreserver({ id: 'test', summary: 'Keeps.', kinds: ['Service'], keep: () => kept });

const rollout = yaml(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec: {strategy: {canary: {stableService: web, trafficRouting: {plugins: {argoproj-labs/gatewayAPI: {httpRouteSelector: {matchLabels: {app: web}}}}}}}}
status: {stableRS: a}
`);
const service = yaml('{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}}');

function change(object: KubeObject, from: string, to: string): KubeObject {
  const value: unknown = JSON.parse(JSON.stringify(object).replace(from, to));
  if (!isKubeObject(value)) throw new Error('no object');
  return value;
}

describe('defineKeep', () => {
  const run = (submitted: KubeObject, subject: KubeObject, old?: KubeObject): Preserved =>
    keep.keep({ submitted, old, rollout: subject, rollouts: [subject], drivers: [subject], world: storeOf([]) });

  it('lets a keep do its work', () => {
    expect(run(service, rollout)).toBe(kept);
    expect(run(service, change(rollout, '"stableRS"', '"currentPodHash"'))).toBe(kept);
  });

  const deleted = '"name":"web","deletionTimestamp":"2026-01-01T00:00:00Z"';
  it.each<[string, KubeObject, KubeObject, KubeObject | undefined]>([
    ['an object of another kind', change(service, '"Service"', '"ConfigMap"'), rollout, undefined],
    ['an object that is being deleted', change(service, '"name":"web"', deleted), rollout, undefined],
    ['a Rollout that is being deleted', service, change(rollout, '"name":"web"', deleted), undefined],
    ['a Rollout without status', service, change(rollout, '"stableRS":"a"', '"stableRS":""'), undefined],
    [
      'a Rollout that names another object',
      service,
      change(rollout, '"stableService":"web"', '"stableService":"other"'),
      undefined,
    ],
    ['what is no Rollout', service, change(rollout, '"Rollout"', '"Experiment"'), undefined],
  ])('does nothing for %s', (_, submitted, subject, old) => {
    expect(run(submitted, subject, old)).toBe(NOTHING);
  });
});

describe('refersTo', () => {
  it('counts names, and that labels might match', () => {
    expect(refersTo(rollout, service)).toBe(true);
    expect(
      refersTo(
        rollout,
        yaml('{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: any, namespace: shop}}'),
      ),
    ).toBe(true);
    expect(
      refersTo(
        rollout,
        yaml('{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: any, namespace: other}}'),
      ),
    ).toBe(false);
  });
});

describe('together', () => {
  it('joins what was kept, in order', () => {
    expect(together([NOTHING, kept, kept])).toEqual({
      operations: [...kept.operations, ...kept.operations],
      notes: ['a note', 'a note'],
    });
    expect(together([NOTHING, NOTHING])).toBe(NOTHING);
  });
});
