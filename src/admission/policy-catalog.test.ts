import { describe, expect, it } from 'vitest';
import { parsePolicy } from '../policy/load.ts';
import { SHIPPED_PROFILES } from '../migration/profiles.ts';
import { POLICY_CATALOG } from './policy-catalog.ts';

const errorsOf = (profile: object): string => {
  const loaded = parsePolicy(JSON.stringify({ profiles: { mine: profile } }), POLICY_CATALOG);
  return loaded.ok ? '' : loaded.errors.join('\n');
};

describe('a profile', () => {
  it.each(Object.entries(SHIPPED_PROFILES))('%s, which ships, makes a valid Rollout', (_, profile) => {
    expect(POLICY_CATALOG.profileErrors(profile)).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['two strategies', { strategy: { canary: {}, blueGreen: { activeService: 'a' } } }, 'profiles.mine: spec.strategy'],
    [
      'a pause that does not parse',
      { strategy: { canary: { steps: [{ pause: { duration: '1d' } }] } } },
      'profiles.mine: spec.strategy.canary.steps[0].pause.duration',
    ],
    ['a field that a Rollout lacks', { strategy: { canary: { stepz: [] } } }, 'stepz'],
    [
      'a type that a field does not take',
      { strategy: { canary: { steps: 'none' } } },
      'profiles.mine: spec.strategy.canary.steps',
    ],
    [
      'a name that is none',
      { rollout: '{name}_Rollout', strategy: { canary: {} } },
      'rollout: "{name}_Rollout" gives "sample_Rollout", which is not a valid name',
    ],
    [
      'a pattern that stands for nothing',
      { strategy: { canary: { canaryService: '{nmae}-canary', stableService: '{name}' } } },
      'unknown pattern {nmae}; did you mean {name}?',
    ],
    [
      'a router without its Services',
      { strategy: { canary: { trafficRouting: { nginx: { stableIngress: 'a' } } } } },
      'profiles.mine: spec.strategy.canary',
    ],
    [
      'what Argo CD would take for its own',
      { metadata: { labels: { 'app.kubernetes.io/instance': 'x' } }, strategy: { canary: {} } },
      'metadata: Argo CD uses app.kubernetes.io/instance',
    ],
  ])('with %s is refused', (_, profile, error) => {
    expect(errorsOf(profile)).toContain(error);
  });

  it('may hold what only looks like a pattern', () => {
    expect(
      errorsOf({
        metadata: { annotations: { query: 'sum(rate(x{job="a"}[5m])) {{ args.x }} {code}' } },
        strategy: { canary: {} },
      }),
    ).toBe('');
  });
});
