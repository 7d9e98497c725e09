import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { introducedBy } from '../../src/admission/introduced.ts';
import { evaluate } from '../../src/rules/engine.ts';
import { identity, introduced, type Finding } from '../../src/rules/finding.ts';
import { RULES } from '../../src/rules/index.ts';
import { bundleWorld, parseManifests, placeObjects } from '../../src/world/manifests.ts';
import { keyOf, type KubeObject } from '../../src/world/object.ts';
import { deepFreeze } from '../support/freeze.ts';
import { fixturesIn } from '../support/snapshots.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'src', 'rules');

// No webhook is registered for these kinds: they change far too often, and their problems are only advice.
const NEVER_ADMITTED = new Set(['Namespace', 'ConfigMap']);

function concerns(finding: Finding, object: KubeObject): boolean {
  return [finding.subject, finding.object, ...finding.related.map((place) => place.object)].some(
    (other) => keyOf(other) === keyOf(object),
  );
}

// If a rule finds a problem in a bundle, admission must report it when the last of the objects arrives, whichever
// object that is. References alone decide which subjects admission evaluates.
describe.each(RULES.filter(({ lintOnly }) => !lintOnly).map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  const fixtures = fixturesIn(join(FOLDER, id, 'fixtures')).filter((name) => name.startsWith('bad-'));
  it.each(fixtures)('%s: is reported whichever object is applied last', (name) => {
    const text = readFileSync(join(FOLDER, id, 'fixtures', name), 'utf8');
    const objects = placeObjects(parseManifests(text, name).objects).sources.map(({ object }) => deepFreeze(object));
    const found = evaluate(bundleWorld(objects), objects, [rule]).findings;
    expect(found.length).toBeGreaterThan(0);
    let arrivals = 0;

    const arrive = (last: KubeObject, before: KubeObject | undefined): void => {
      const others = objects.filter((object) => keyOf(object) !== keyOf(last));
      const base = before === undefined ? others : [...others, before];
      const expected = introduced(found, evaluate(bundleWorld(base), base, [rule]).findings);
      const told = introducedBy(bundleWorld(base), [{ before, after: last }], [rule]).findings.map(identity);
      const door = `${before === undefined ? 'created' : 'updated'} last: ${keyOf(last)}`;
      for (const one of told) expect(expected.map(identity), door).toContain(one);
      const due = expected.filter((finding) => concerns(finding, last));
      // Of two Rollouts that share an object, each conflicts with the other. The one that is applied second gets the
      // report.
      if (due.some((finding) => keyOf(finding.subject) !== keyOf(last) && finding.subject.kind === last.kind))
        expect(told, door).not.toEqual([]);
      else for (const finding of due) expect(told, door).toContain(identity(finding));
      arrivals += due.length;
    };

    for (const last of objects.filter(({ kind }) => !NEVER_ADMITTED.has(kind))) {
      const { name: called, namespace } = last.metadata;
      arrive(last, undefined);
      arrive(last, {
        apiVersion: last.apiVersion,
        kind: last.kind,
        metadata: { name: called, ...(namespace === undefined ? {} : { namespace }) },
      });
    }
    expect(arrivals, 'at least one arrival brings it').toBeGreaterThan(0);
  });
});
