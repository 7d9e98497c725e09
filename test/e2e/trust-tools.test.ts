import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from './harness/cluster.ts';
import { ConversionScene } from './harness/conversion.ts';
import { tenant, whileDown, type Right } from './harness/tenants.ts';
import { bounded } from './support.ts';
import { PodCounts } from './support/pod-counts.ts';
import { elsewhere, SCENARIOS } from './support/tool-scenarios.ts';
import { PROFILE, Tools, type Scenario } from './support/tools.ts';
import type { Expected } from './support/transition-table.ts';
import { Transitions, type Outcome } from './support/transitions.ts';

const RIGHTS: readonly Right[] = ['without', 'with'];
const HELM_RULES = [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }];

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
  await cluster.rollgate.policy((policy) => ({ ...policy, profiles: { [PROFILE]: { strategy: { canary: {} } } } }));
});
afterAll(() => cluster?.stop());

interface Case {
  readonly name: string;
  readonly label: string;
  readonly right: Right;
  readonly scenario: Scenario;
  readonly expected: Expected;
}

function casesOf(scenarios: readonly Scenario[], state: 'up' | 'down'): Case[] {
  return scenarios.flatMap((scenario, number) =>
    RIGHTS.map((right, index): Case => ({
      name: `web-${number}-${right}`,
      label: `${scenario.title}, ${right} the right`,
      right,
      scenario,
      expected: scenario.expected[(state === 'up' ? 0 : 2) + index] ?? 'refused',
    })),
  );
}

/** Carries out all scenarios, and compares what becomes of them with what is expected. */
async function carriedOut(state: 'up' | 'down'): Promise<void> {
  const tools = new Tools(await ConversionScene.open(cluster));
  const { namespace } = tools.scene;
  const users = {
    with: await tenant(cluster, namespace, 'with', HELM_RULES),
    without: await tenant(cluster, namespace, 'without', HELM_RULES),
  };
  const cases = casesOf([...SCENARIOS, ...elsewhere(new Tools(await ConversionScene.open(cluster)))], state);
  const pods = await PodCounts.watch(cluster.controlPlane.admin, namespace);
  const prepared = await bounded(cases, cases.length, ({ scenario, name }) => scenario.prepare(tools, name));
  await pods.restart();
  const refusals = new Map<string, string>();
  const all = async (): Promise<void> => {
    await bounded(cases, 3, async ({ name, right, scenario }, index) => {
      refusals.set(name, await scenario.act(tools, name, users[right], prepared[index]));
    });
  };
  await (state === 'up' ? all() : whileDown(cluster, all));

  const ends = new Map<string, Outcome>(
    cases.map(({ name, scenario, expected }) => [name, expected === 'refused' ? scenario.before : expected]),
  );
  const reached = await new Transitions(cluster.controlPlane.admin, namespace).outcomes(ends);
  pods.stop();
  const actual = cases.map(({ name, label }): [string, Expected | undefined] => {
    const outcome = reached.get(name);
    return [label, refusals.get(name) === '' || outcome !== ends.get(name) ? outcome : 'refused'];
  });
  const expected = cases.map((each): [string, Expected] => [each.label, each.expected]);
  const why = cases
    .filter((each, index) => actual[index]?.[1] !== each.expected)
    .map(({ name, label }) => `${name}, ${label}: ${refusals.get(name)}`);
  expect(Object.fromEntries(actual), why.join('\n')).toEqual(Object.fromEntries(expected));
  // Each had its pod all the time.
  expect(
    cases
      .filter(({ scenario: { before, gap } }) => before !== 'nobody' && (gap !== true || state === 'up'))
      .filter(({ name }) => pods.least(name) < 1)
      .map(({ label }) => label),
  ).toEqual([]);
}

describe('Helm, kubectl rollout undo, restored backups and old exports, by users with and without the right', () => {
  it('end as the table says while Rollgate answers', () => carriedOut('up'));

  it('end as the table says while Rollgate is down', () => carriedOut('down'));
});
