import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foresee } from '../../src/admission/migration/forecast.ts';
import { POLICY_CATALOG } from '../../src/admission/policy-catalog.ts';
import { parsePolicy } from '../../src/policy/load.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { dig } from '../../src/world/read.ts';
import { storeOf } from '../../src/world/store.ts';
import { objectsIn } from '../support/gate.ts';

describe('the profiles of the examples', () => {
  const folder = join(import.meta.dirname, '..', '..', 'examples');
  const loaded = parsePolicy(readFileSync(join(folder, 'conversion', 'rollgate.yaml'), 'utf8'), POLICY_CATALOG);

  it('are valid', () => {
    expect(loaded).toMatchObject({ ok: true });
    if (loaded.ok)
      expect(Object.keys(loaded.policy.profiles).sort()).toEqual([
        'blue-green',
        'canary',
        'gateway-api',
        'istio-hosts',
        'istio-subsets',
      ]);
  });

  it('turn the bookinfo reviews into reviews-rollout, as the write-up shows it', () => {
    if (!loaded.ok) throw new Error(loaded.errors.join());
    const bookinfo = objectsIn(join(folder, 'workloadref-skywalking', 'as-written', 'bookinfo.yaml'));
    const shown = objectsIn(join(folder, 'workloadref-skywalking', 'as-written', 'rollout.yaml'))[0] as KubeObject;
    const reviews = bookinfo.find(({ kind }) => kind === 'Deployment') as KubeObject;
    const analysis = objectsIn(join(folder, 'workloadref-skywalking', 'as-written', 'analysis.yaml'));
    const world = storeOf([...bookinfo, ...analysis]);
    const { plan, forecast } = foresee(reviews, {
      world,
      rules: RULES,
      policy: loaded.policy,
      profile: 'istio-subsets',
      controllers: true,
      stored: true,
    });
    expect(forecast).toMatchObject({ verdict: 'yes', rollout: 'reviews-rollout', replicas: 5, reasons: [] });
    expect(plan.kind === 'converts' && dig(plan.rollout, 'spec', 'strategy')).toEqual(dig(shown, 'spec', 'strategy'));
  });
});
