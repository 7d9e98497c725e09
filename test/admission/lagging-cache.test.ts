import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/rules/engine.ts';
import { dependsOnSome, type Finding } from '../../src/rules/finding.ts';
import { RULES } from '../../src/rules/index.ts';
import { keyOf, kindOf, listIn, namespaceOf, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { gateOver, liveOf, objectsIn, objectsOf, requestFor, UNREADABLE, validate } from '../support/gate.ts';
import { fixturesIn } from '../support/snapshots.ts';

const RULES_FOLDER = join(import.meta.dirname, '../../src/rules');
const GATE_RULES = RULES.filter(({ lintOnly }) => !lintOnly);

const FIXTURES = readdirSync(RULES_FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => {
    const folder = join(RULES_FOLDER, name, 'fixtures');
    return fixturesIn(folder).map((file) => ({ file: `${name}/${file}`, objects: objectsIn(join(folder, file)) }));
  });

// What no fixture shows.
const SET_UPS = [
  {
    file: 'a subset that two DestinationRules have',
    objects: objectsOf(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: reviews, namespace: shop }
spec:
  strategy:
    canary:
      trafficRouting:
        istio:
          virtualService: { name: reviews, routes: [main] }
          destinationRule: { name: reviews, stableSubsetName: stable, canarySubsetName: canary }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: shop }
spec:
  hosts: [reviews]
  http:
    - name: main
      route:
        - { destination: { host: reviews, subset: stable }, weight: 100 }
        - { destination: { host: reviews, subset: canary }, weight: 0 }
    - name: beta
      route: [{ destination: { host: reviews, subset: beta } }]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: shop }
spec: { host: reviews, subsets: [{ name: stable }, { name: canary }, { name: beta }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: beta, namespace: shop }
spec: { host: reviews, subsets: [{ name: beta, labels: { app: beta } }] }
`),
  },
  {
    file: 'an argument that another template of the analysis declares',
    objects: objectsOf(`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: reviews, namespace: shop }
spec:
  strategy:
    canary:
      analysis: { templates: [{ templateName: errors }, { templateName: arguments }] }
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: errors, namespace: shop }
spec:
  args: [{ name: service, value: reviews }]
  metrics:
    - name: errors
      count: 1
      provider: { prometheus: { address: 'http://prometheus:9090', query: '{{args.service}} {{args.region}}' } }
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: arguments, namespace: shop }
spec: { args: [{ name: region, value: eu }] }
`),
  },
];

function findingsIn(objects: readonly KubeObject[]): readonly Finding[] {
  return evaluate(storeOf(objects), objects, GATE_RULES).findings;
}

const sayOf = ({ rule, messageId, subject }: Finding): string => `${rule} ${messageId} ${keyOf(subject)}`;

/** Returns the findings that are there only as long as an object is not. */
function refutedBy(gone: KubeObject, objects: readonly KubeObject[]): Finding[] {
  const complete = findingsIn(objects).map(sayOf);
  const rest = findingsIn(objects.filter((object) => object !== gone));
  const count = (said: readonly string[], what: string): number => said.filter((each) => each === what).length;
  return rest.filter((finding) => count(rest.map(sayOf), sayOf(finding)) > count(complete, sayOf(finding)));
}

function restsOnListOf(gone: KubeObject, { absentFrom = [] }: Finding): boolean {
  return absentFrom.some((key) => {
    const list = listIn(key);
    return list?.kind === kindOf(gone) && ['', namespaceOf(gone)].includes(list?.namespace ?? '');
  });
}

describe('a cache that does not have the newest objects yet', () => {
  it('lacks nothing that a finding does not say that it rests on', () => {
    const unsaid = new Set<string>();
    let lists = 0;
    for (const { file, objects } of [...FIXTURES, ...SET_UPS]) {
      for (const gone of objects) {
        for (const finding of refutedBy(gone, objects)) {
          if (restsOnListOf(gone, finding)) lists++;
          else if (!dependsOnSome(finding, new Set([keyOf(gone)])))
            unsaid.add(`${finding.rule} ${finding.messageId} without ${keyOf(gone)} in ${file}`);
        }
      }
    }
    expect([...unsaid]).toEqual([]);
    expect(lists).toBeGreaterThan(10);
  });

  const cases = [...FIXTURES, ...SET_UPS].flatMap(({ file, objects }) =>
    objects.flatMap((gone) => {
      const refuted = refutedBy(gone, objects).filter((finding) => finding.class === 'invalid');
      const subjects = new Set(refuted.map(({ subject }) => keyOf(subject)));
      return objects
        .filter((admitted) => admitted !== gone && subjects.has(keyOf(admitted)))
        .map((admitted) => ({ file, objects, gone, admitted, title: `${keyOf(admitted)} in ${file}` }));
    }),
  );

  it.each(cases)('does not deny $title', async ({ objects, gone, admitted }) => {
    const stored = objects.filter((object) => object !== admitted);
    const request = requestFor(admitted, undefined);
    const deniedBy = async (cached: readonly KubeObject[], live = liveOf(() => stored)): Promise<string[]> => {
      const { record } = await validate(gateOver(cached, { live }), request);
      return record.findings.filter(({ decision }) => decision === 'deny').map(({ rule }) => rule);
    };
    const lagging = stored.filter((object) => object !== gone);
    expect(await deniedBy(lagging)).toEqual(await deniedBy(stored));
    // What is known for certain is denied all the same.
    expect(
      (
        await deniedBy(
          lagging,
          liveOf(() => lagging),
        )
      ).length,
    ).toBeGreaterThan(0);
    expect(await deniedBy(lagging, UNREADABLE)).toEqual(await deniedBy(stored, UNREADABLE));
  });

  it('is found out in these cases', () => {
    expect(cases.length).toBeGreaterThan(5);
  });
});
