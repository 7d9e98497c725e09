import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RULES } from '../../src/rules/index.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { versionsMatching } from '../../src/world/rollouts-versions.ts';
import { isDocumented } from '../control-plane/versions.ts';
import { partOf } from './docs.ts';
import { apart, asWritten, fixturesOf } from './fixtures/bundles.ts';
import { completed } from './fixtures/complete.ts';
import { Api } from './harness/api.ts';
import { controllerVersions } from './harness/argo-rollouts.ts';
import { ARGO_CD, Cluster } from './harness/cluster.ts';
import { UNJUDGED } from './rules/people.ts';
import { bounded } from './support.ts';
import { doesNotSurvive, outcomes, store, type Outcome } from './upstream/controller.ts';
import { tableOf } from './upstream/table.ts';
import { agreementOf, rowsOf, saidOf, type Row } from './upstream/verdicts.ts';

// The controller does not survive it, so it comes when all others are done.
const DEADLY = 'analysis-template-cycle/bad-circle.yaml';

// The controller runs what these deny: it accepts it, or refuses it when an update gets there.
const STRICTER = RULES.filter(
  ({ stricterThanUpstream, upstreamRefusesLater }) =>
    upstreamRefusesLater !== undefined ||
    Object.values(stricterThanUpstream).some(({ seenBy }) => seenBy.includes('e2e')),
).map(({ id }) => id);
// Before 1.10.1, the validation accepts it; only then the API server rejects the ReplicaSet.
const ACCEPTED_IN_VAIN = 'rollout-security-context/bad-privileged-without-escalation.yaml';
const IS_ACCEPTED_IN_VAIN = versionsMatching(controllerVersions(), { before: 'privilegedIsValidated' }) === 'all';
// Denied, because the controller runs only what it could read of it.
const RUNS_IN_PART = versionsMatching(controllerVersions(), { since: 'unreadableRunsInPart' }) === 'all';
const UNREADABLE = 'rollout-resources/bad-quantities.yaml';
// Good because of a status, of a running experiment, which nobody can apply.
const BY_STATUS = 'virtualservice-extra-destinations/good-additional-subset-and-experiment.yaml';

describe('every fixture of the rules: what Rollgate says when it is asked by the API server, and what the controller makes of it without Rollgate', () => {
  let cluster: Cluster;
  let rows: Row[];

  beforeAll(async () => {
    cluster = await Cluster.start({ rollgate: [UNJUDGED], argoRollouts: { plugins: {} } });
    // First Rollgate is asked, while everything is as it was written; then the controller is let loose on it, without
    // Rollgate.
    await cluster.argo.program.stop();
    const fixtures = RULES.flatMap((of) => fixturesOf(of.id).map((fixture) => ({ of, ...fixture })));
    const deadly: KubeObject[] = [];
    const runs = await bounded(fixtures, 4, async ({ of, rule, file, objects }, index) => {
      const word = `f${index}`;
      const sent = completed(apart(objects, word), of);
      if (`${rule}/${file}` === DEADLY) deadly.push(...sent.filter(({ kind }) => kind === 'Rollout'));
      return {
        word,
        rule,
        file,
        sent,
        stored: await store(
          cluster.controlPlane.admin,
          sent.filter((object) => !deadly.includes(object)),
        ),
      };
    });
    const argoCd = new Api(await cluster.controlPlane.account(ARGO_CD));
    const said = new Map((await bounded(runs, 4, (run) => saidOf(run, argoCd))).flatMap((some) => [...some]));
    await cluster.removeRollgate();

    await cluster.argo.start();
    const found = new Map(await outcomes(cluster));
    for (const rollout of deadly) {
      await doesNotSurvive(cluster, () => cluster.controlPlane.admin.create(rollout));
      found.set(keyOf(rollout), ENDLESS);
    }
    rows = runs.flatMap((run) =>
      rowsOf(run, said, found).map((row) => ({ ...row, rollout: asWritten(row.rollout, run.word) })),
    );
  });
  afterAll(() => cluster?.stop());

  it('what the controller calls InvalidSpec, or fails at, is denied, or reported as missing', () => {
    const wrong = rows.filter((row) => agreementOf(row) === 'wrong').map(({ rule, file }) => `${rule}/${file}`);
    expect(wrong).toEqual(IS_ACCEPTED_IN_VAIN ? [ACCEPTED_IN_VAIN] : []);
  });

  it('of what the controller misses, Rollgate misses the same', () => {
    for (const { rule, file, outcome, rules } of rows.filter((row) => agreementOf(row) === 'missing'))
      expect(outcome.message, `${rule}/${file}: ${rules.join()}`).toMatch(/not found|could not find/);
  });

  it('what the controller runs is admitted, but for what these rules say why they deny', () => {
    const stricter = rows.filter((row) => agreementOf(row) === 'stricter');
    const unreadable = stricter.filter(({ rule, file }) => `${rule}/${file}` === UNREADABLE);
    expect(unreadable).toHaveLength(RUNS_IN_PART ? 1 : 0);
    const others = stricter.filter((row) => !unreadable.includes(row));
    expect([...new Set(others.flatMap(({ rules }) => rules))].sort()).toEqual(STRICTER);
  });

  it('a good fixture that runs is denied by no rule but those of other fixtures', () => {
    expect(
      rows.filter(
        (row) =>
          row.file.startsWith('good-') &&
          `${row.rule}/${row.file}` !== BY_STATUS &&
          row.outcome.kind === 'runs' &&
          row.rules.includes(row.rule) &&
          row.verdict === 'denies',
      ),
    ).toEqual([]);
  });

  it.runIf(isDocumented())('is what docs/upstream-facts.md says', () => {
    const table = tableOf(rows);
    expect(partOf('upstream-facts.md', 'fixtures', table)).toBe(table);
  });
});

const ENDLESS: Outcome = { kind: 'fails', message: 'the controller does not survive it' };
