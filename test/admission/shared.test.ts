import { describe, expect, it } from 'vitest';
import { introducedBy } from '../../src/admission/introduced.ts';
import { renderText } from '../../src/rules/finding.ts';
import { serviceShared } from '../../src/rules/service-shared/rule.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { gateOver, liveOf, requestFor, validate } from '../support/gate.ts';
import { destinations, istio, rollout, service, times, virtualService } from '../growth/objects.ts';

const MANY = 14;

const SHARED = [
  ['a Service', { stableService: 'one', canaryService: 'two' }, [service('one', 'x'), service('two', 'x')]],
  [
    'a route of a VirtualService',
    istio('shared', ['main']),
    [virtualService('shared', { http: [{ name: 'main', route: destinations('one') }] })],
  ],
  ['a DestinationRule', { trafficRouting: { istio: { destinationRule: { name: 'shared' } } } }, []],
] as const;

describe('a Rollout that leaves one shared thing for another', () => {
  const changing = (before: KubeObject, after: KubeObject, ...objects: readonly KubeObject[]): string[] =>
    introducedBy(storeOf([before, ...objects]), [{ before, after }], [serviceShared]).findings.map(renderText);
  const http = [{ name: 'main', route: destinations('one') }];

  it('is told about the other, if both VirtualServices have one name', () => {
    const using = (name: string, virtual: string): KubeObject => rollout(name, { canary: istio(virtual, ['main']) });
    const abroad: KubeObject = { ...virtualService('books', { http }), metadata: { name: 'books', namespace: 'mesh' } };
    const told = changing(
      using('mine', 'books.mesh'),
      using('mine', 'books'),
      ...[abroad, virtualService('books', { http }), using('theirs', 'books.mesh'), using('ours', 'books')],
    );
    expect(told).toEqual([expect.stringContaining('Rollout "ours" also sets the weights')]);
  });

  it('is told about the other, if both routes have one title', () => {
    const hosts = (last: string): string[] => [...times(8, (index) => `h-${index}.example.com`), last];
    const using = (name: string, last: string): KubeObject => {
      const virtual = { name: 'books', tlsRoutes: [{ port: 443, sniHosts: hosts(last) }] };
      return rollout(name, { canary: { trafficRouting: { istio: { virtualService: virtual } } } });
    };
    const tls = ['a', 'b'].map((last) => ({
      match: [{ port: 443, sniHosts: hosts(last) }],
      route: destinations('one'),
    }));
    const told = changing(
      using('mine', 'a'),
      using('mine', 'b'),
      ...[virtualService('books', { tls }), using('theirs', 'a'), using('ours', 'b')],
    );
    expect(told).toEqual([expect.stringContaining('Rollout "ours" also sets the weights')]);
  });
});

describe.each(SHARED)('many Rollouts of %s', (_what, canary, objects) => {
  const sharing = (index: number): KubeObject => rollout(`app-${index + 10}`, { canary });
  const sharers = times(MANY, sharing);
  const world = storeOf([...objects, ...sharers]);
  const told = (changes: Parameters<typeof introducedBy>[1]): string[] =>
    introducedBy(world, changes, [serviceShared]).findings.map(renderText);

  it('are told nothing new when one of them leaves, whichever it is', () => {
    for (const leaving of sharers) {
      const others = sharers.filter((other) => other !== leaving);
      const changes = others.map((other) => ({
        before: other,
        after: { ...other, metadata: { ...other.metadata, labels: { changed: 'yes' } } },
      }));
      expect(told([{ before: leaving, after: undefined }, ...changes])).toEqual([]);
    }
  });

  it('are no excuse for one more', () => {
    const [text, ...more] = told([{ before: undefined, after: sharing(MANY) }]);
    expect(text).toContain(`Rollout "app-10" (one of ${MANY})`);
    for (const other of more) expect(other).toContain(`Rollout "app-10" (one of ${MANY})`);
  });
});

describe('a cache that lags', () => {
  const using = (name: string, stableService: string): KubeObject => rollout(name, { canary: { stableService } });
  const one = service('one', 'x');
  const verdict = async (
    cached: readonly KubeObject[],
    current: readonly KubeObject[],
  ): Promise<string | undefined> => {
    const gate = gateOver([one, ...cached], { rules: [serviceShared], live: liveOf(() => [one, ...current]) });
    return (await validate(gate, requestFor(using('new', 'one'), undefined))).record.verdict;
  };

  it('denies no Service that another Rollout has left, or whose Rollout is deleted', async () => {
    await expect(verdict([using('old', 'one')], [using('old', 'other')])).resolves.toBe('allow');
    await expect(verdict([using('old', 'one')], [])).resolves.toBe('allow');
  });

  it('denies a Service that another Rollout still has', async () => {
    await expect(verdict([using('old', 'one')], [using('old', 'one')])).resolves.toBe('deny');
    await expect(verdict([using('a', 'one'), using('b', 'one')], [using('b', 'one')])).resolves.toBe('deny');
  });

  it('denies nothing because of Rollouts that nobody has read', async () => {
    const many = times(20, (index) => using(`old-${index}`, 'one'));
    await expect(verdict(many, [])).resolves.not.toBe('deny');
  });
});
