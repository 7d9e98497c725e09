import { describe, expect, it } from 'vitest';
import {
  drivenRoutes,
  nothingSelected,
  portsTitle,
  routesOf,
  routeTitle,
  selectRoutes,
  unmanagedRoutes,
  type Route,
  type Selection,
} from '../../src/world/istio.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { SUPPORTED_VERSIONS } from '../../src/world/rollouts-versions.ts';
import { virtualServiceReadings } from '../../src/world/rollout.ts';
import { deepFreeze } from '../support/freeze.ts';

function virtualService(spec: object, name = 'vs'): KubeObject {
  return deepFreeze({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name, namespace: 'shop' },
    spec,
  });
}

function rollout(istio: object, managed: readonly unknown[] = []): KubeObject {
  const trafficRouting = { managedRoutes: managed.map((name) => ({ name })), istio };
  return deepFreeze({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Rollout',
    metadata: { name: 'ro', namespace: 'shop' },
    spec: { strategy: { canary: { trafficRouting } } },
  });
}

function select(spec: object, entry: object, managed: readonly string[] = []): Selection {
  const [wanted] = virtualServiceReadings(rollout({ virtualService: { name: 'vs', ...entry } }));
  if (wanted === undefined) throw new Error('the Rollout names no VirtualService');
  return selectRoutes(virtualService(spec), wanted, managed, nothingSelected());
}

const place = ({ type, index }: Route): string => `${type}[${index}]`;

/** Returns a selection in short form: routes as `http[0]`, and the other fields if they are not empty. */
function brief({ routes, missing, ignored, ambiguous, empty }: Selection): object {
  const told = (list: Selection['missing']): string[] =>
    list.map(({ type, index, wanted }) => `${type}[${index}] ${wanted}`);
  const all = { routes: routes.map(place), missing: told(missing), ignored: told(ignored), ambiguous, empty };
  return Object.fromEntries(Object.entries(all).filter(([key, list]) => key === 'routes' || list.length > 0));
}

const named = (...names: string[]): object[] => names.map((name) => (name === '' ? {} : { name }));
const port = (...ports: (number | undefined)[]): object => ({
  match: ports.map((number) => (number === undefined ? {} : { port: number })),
});
const sni = (number: number | undefined, ...hosts: string[][]): object => ({
  match: hosts.map((sniHosts) => ({ ...(number === undefined ? {} : { port: number }), sniHosts })),
});

describe('selectRoutes', () => {
  it.each<[what: string, spec: object, entry: object, managed: string[], expected: object]>([
    // http
    ['the route of the name', { http: named('a', 'b') }, { routes: ['b'] }, [], { routes: ['http[1]'] }],
    [
      'several, in the order they are asked for',
      { http: named('a', 'b', 'c') },
      { routes: ['c', 'a'] },
      [],
      { routes: ['http[2]', 'http[0]'] },
    ],
    ['the first of two of one name', { http: named('a', 'b', 'b') }, { routes: ['b'] }, [], { routes: ['http[1]'] }],
    ['a name asked for twice once', { http: named('a') }, { routes: ['a', 'a'] }, [], { routes: ['http[0]'] }],
    [
      'what is there and what is not',
      { http: named('a') },
      { routes: ['b', 'a'] },
      [],
      { routes: ['http[0]'], missing: ['http[0] b'] },
    ],
    [
      'names in their exact case',
      { http: named('Main') },
      { routes: ['main'] },
      [],
      { routes: [], missing: ['http[0] main'] },
    ],
    ['the unnamed route by an empty name', { http: named('a', '') }, { routes: [''] }, [], { routes: ['http[1]'] }],
    ['a managed route by its name', { http: named('m', 'a') }, { routes: ['m'] }, ['m'], { routes: ['http[0]'] }],
    ['the only route without a name', { http: named('') }, {}, [], { routes: ['http[0]'] }],
    ['the only route though it has a name', { http: named('a') }, {}, [], { routes: ['http[0]'] }],
    ['the only route though it is managed', { http: named('m') }, {}, ['m'], { routes: ['http[0]'] }],
    [
      'the only one that is not managed, if it has no name',
      { http: named('m', '', 'n') },
      {},
      ['m', 'n'],
      { routes: ['http[1]'] },
    ],
    ['none, if the one that is not managed has a name', { http: named('m', 'a') }, {}, ['m'], { routes: [] }],
    ['several candidates as ambiguous', { http: named('a', '') }, {}, [], { routes: [], ambiguous: ['http'] }],
    [
      'two without a name as ambiguous',
      { http: named('', '') },
      { routes: [] },
      ['m'],
      { routes: [], ambiguous: ['http'] },
    ],
    ['an empty managed name as covering unnamed routes', { http: named('', '') }, {}, [''], { routes: ['http[0]'] }],
    ['nothing in an empty list', { http: [] }, {}, [], { routes: [] }],
    [
      'a name asked for in an empty list as missing',
      { http: [] },
      { routes: ['a'] },
      [],
      { routes: [], missing: ['http[0] a'] },
    ],
    ['nothing where nothing is', {}, {}, [], { routes: [] }],
    [
      'a name where there is no list at all as missing',
      {},
      { routes: ['a'] },
      [],
      { routes: [], missing: ['http[0] a'] },
    ],
    [
      'a list of the wrong type as none',
      { http: { name: 'a' } },
      { routes: ['a'] },
      [],
      { routes: [], missing: ['http[0] a'] },
    ],
    [
      'entries of the wrong type as routes without a name',
      { http: ['a', null] },
      { routes: ['a'] },
      [],
      { routes: [], missing: ['http[0] a'] },
    ],
    // tls
    ['the only tls route', { tls: [sni(443, ['a'])] }, {}, [], { routes: ['tls[0]'] }],
    [
      'several tls routes as ambiguous',
      { tls: [sni(443, ['a']), sni(443, ['b'])] },
      {},
      ['m'],
      { routes: [], ambiguous: ['tls'] },
    ],
    [
      'a tls route by port and hosts',
      { tls: [sni(443, ['a']), sni(443, ['b'])] },
      { tlsRoutes: [{ port: 443, sniHosts: ['b'] }] },
      [],
      { routes: ['tls[1]'] },
    ],
    [
      'every tls route that matches',
      { tls: [sni(443, ['a']), sni(443, ['a'])] },
      { tlsRoutes: [{ port: 443, sniHosts: ['a'] }] },
      [],
      { routes: ['tls[0]', 'tls[1]'] },
    ],
    [
      'hosts in any order and over several matches',
      { tls: [sni(443, ['b'], ['a', 'b'])] },
      { tlsRoutes: [{ port: 443, sniHosts: ['a', 'b'] }] },
      [],
      { routes: ['tls[0]'] },
    ],
    [
      'fewer hosts as missing',
      { tls: [sni(443, ['a', 'b'])] },
      { tlsRoutes: [{ port: 443, sniHosts: ['a'] }] },
      [],
      { routes: [], missing: ['tls[0] on port 443 for "a"'] },
    ],
    [
      'more hosts as missing',
      { tls: [sni(443, ['a'])] },
      { tlsRoutes: [{ port: 443, sniHosts: ['a', 'b'] }] },
      [],
      { routes: [], missing: ['tls[0] on port 443 for "a", "b"'] },
    ],
    [
      'a host asked for twice as missing',
      { tls: [sni(443, ['a'])] },
      { tlsRoutes: [{ port: 443, sniHosts: ['a', 'a'] }] },
      [],
      { routes: [], missing: ['tls[0] on port 443 for "a", "a"'] },
    ],
    [
      'another port as missing',
      { tls: [sni(443, ['a'])] },
      { tlsRoutes: [{ port: 8443, sniHosts: ['a'] }] },
      [],
      { routes: [], missing: ['tls[0] on port 8443 for "a"'] },
    ],
    [
      'no port by no port',
      { tls: [sni(undefined, ['a'])] },
      { tlsRoutes: [{ sniHosts: ['a'] }] },
      [],
      { routes: ['tls[0]'] },
    ],
    [
      'no port as missing where there is one',
      { tls: [sni(443, ['a'])] },
      { tlsRoutes: [{ sniHosts: ['a'] }] },
      [],
      { routes: [], missing: ['tls[0] without a port for "a"'] },
    ],
    [
      'two ports never',
      {
        tls: [
          {
            match: [
              { port: 443, sniHosts: ['a'] },
              { port: 444, sniHosts: ['a'] },
            ],
          },
        ],
      },
      { tlsRoutes: [{ port: 443, sniHosts: ['a'] }] },
      [],
      { routes: [], missing: ['tls[0] on port 443 for "a"'] },
    ],
    [
      'a port and none as two ports',
      { tls: [{ match: [{ port: 443, sniHosts: ['a'] }, { sniHosts: ['a'] }] }] },
      { tlsRoutes: [{ port: 443, sniHosts: ['a'] }] },
      [],
      { routes: [], missing: ['tls[0] on port 443 for "a"'] },
    ],
    ['an empty tls list, at which the controller panics', { tls: [] }, {}, [], { routes: [], empty: ['tls'] }],
    [
      'a route asked for in an empty tls list as missing',
      { tls: [] },
      { tlsRoutes: [{ port: 443 }] },
      [],
      { routes: [], missing: ['tls[0] on port 443'] },
    ],
    // tcp
    ['the only tcp route', { tcp: [port(1)] }, {}, [], { routes: ['tcp[0]'] }],
    [
      'several tcp routes as ambiguous',
      { tcp: [port(1), port(2)] },
      { tcpRoutes: [] },
      [],
      { routes: [], ambiguous: ['tcp'] },
    ],
    ['a tcp route by its port', { tcp: [port(1), port(2)] }, { tcpRoutes: [{ port: 2 }] }, [], { routes: ['tcp[1]'] }],
    ['a port over several matches', { tcp: [port(1, 1)] }, { tcpRoutes: [{ port: 1 }] }, [], { routes: ['tcp[0]'] }],
    [
      'every tcp route of a port, each once',
      { tcp: [port(1), port(2), port(1)] },
      { tcpRoutes: [{ port: 1 }, { port: 1 }] },
      [],
      { routes: ['tcp[0]', 'tcp[2]'] },
    ],
    [
      'several ports never, in tcp',
      { tcp: [port(1, 2)] },
      { tcpRoutes: [{ port: 1 }] },
      [],
      { routes: [], missing: ['tcp[0] on port 1'] },
    ],
    ['a tcp route without matches by no port', { tcp: [{}] }, { tcpRoutes: [{}] }, [], { routes: ['tcp[0]'] }],
    [
      'SNI hosts in tcp as nothing',
      { tcp: [sni(1, ['a'])] },
      { tcpRoutes: [{ port: 1, sniHosts: ['b'] }] },
      [],
      { routes: ['tcp[0]'] },
    ],
    [
      'an empty tcp list, at which the controller panics',
      { tcp: [], http: named('a') },
      {},
      [],
      { routes: ['http[0]'], empty: ['tcp'] },
    ],
    // mixed
    [
      'one of every list',
      { http: named('a'), tls: [sni(443, ['a'])], tcp: [port(1)] },
      {},
      [],
      { routes: ['http[0]', 'tls[0]', 'tcp[0]'] },
    ],
    [
      'an unwanted tcp route next to a named http route',
      { http: named('a', 'b'), tcp: [port(1)] },
      { routes: ['a'] },
      [],
      { routes: ['http[0]', 'tcp[0]'] },
    ],
    [
      'each list by itself',
      { http: named('a', 'b'), tls: [sni(443, ['a'])] },
      { tlsRoutes: [{ port: 444 }] },
      [],
      { routes: [], missing: ['tls[0] on port 444'], ambiguous: ['http'] },
    ],
    [
      'names in a list that is not there as ignored',
      { tcp: [port(1)] },
      { routes: ['a'], tlsRoutes: [{ port: 443 }] },
      [],
      { routes: ['tcp[0]'], ignored: ['http[0] a', 'tls[0] on port 443'] },
    ],
    [
      'names in a list that is null as ignored',
      { http: null, tls: [sni(443, ['a'])] },
      { routes: ['a'] },
      [],
      { routes: ['tls[0]'], ignored: ['http[0] a'] },
    ],
    [
      'ports in a missing list as ignored, next to an empty list',
      { http: [] },
      { tcpRoutes: [{ port: 1 }] },
      [],
      { routes: [], ignored: ['tcp[0] on port 1'] },
    ],
  ])('finds %s', (_, spec, entry, managed, expected) => {
    expect(brief(select(spec, entry, managed))).toEqual(expected);
  });
});

describe('routesOf', () => {
  const object = virtualService({
    http: [
      {
        name: 'a',
        route: [
          { destination: { host: 'x', subset: 'v1', port: { number: 80 } }, weight: 30 },
          { destination: { host: 5, port: { number: '80' } }, weight: '70' },
          'no destination',
        ],
      },
    ],
    tls: 'no list',
    tcp: [{ name: 'tcp routes have none', route: { destination: { host: 'x' } } }],
  });

  it('reads every list, and treats values of a wrong type as absent', () => {
    expect(
      routesOf(object).map(({ raw: _, destinations, ...route }) => ({ ...route, destinations: destinations() })),
    ).toEqual([
      {
        type: 'http',
        index: 0,
        name: 'a',
        path: ['spec', 'http', 0],
        destinations: [
          { host: 'x', subset: 'v1', port: 80, weight: 30, path: ['spec', 'http', 0, 'route', 0] },
          { host: '', subset: '', port: undefined, weight: undefined, path: ['spec', 'http', 0, 'route', 1] },
          { host: '', subset: '', port: undefined, weight: undefined, path: ['spec', 'http', 0, 'route', 2] },
        ],
      },
      { type: 'tcp', index: 0, name: '', path: ['spec', 'tcp', 0], destinations: [] },
    ]);
  });

  it('reads only the lists asked for', () => {
    expect(routesOf(object, ['tcp']).map(place)).toEqual(['tcp[0]']);
    expect(routesOf(object, ['tls', 'tcp']).map(place)).toEqual(['tcp[0]']);
    expect(routesOf(object, ['tls'])).toEqual([]);
  });
});

describe('drivenRoutes', () => {
  it('contains each route once with the first entry that selects it, and no routes of a VirtualService that is missing', () => {
    const one = virtualService({ http: named('a', 'b') }, 'one');
    const subject = rollout({
      virtualServices: [
        { name: 'gone' },
        { name: 'one', routes: ['a'] },
        { name: '' },
        { name: 'one.shop', routes: ['b', 'a'] },
      ],
    });
    const driven = drivenRoutes(subject, {
      find: (_kind, namespace, name) => (`${namespace}/${name}` === 'shop/one' ? one : undefined),
      versions: SUPPORTED_VERSIONS,
      skip: () => undefined,
      spend: () => undefined,
    });
    expect(
      driven.map(({ entry, virtualService: object, route }) => [entry.path.at(-1), object.metadata.name, route.name]),
    ).toEqual([
      [1, 'one', 'a'],
      [3, 'one', 'b'],
    ]);
  });
});

describe('unmanagedRoutes', () => {
  it('omits the routes that the Rollout manages, but not those of other Rollouts', () => {
    const object = virtualService({ http: named('m', '', 'a', 'm'), tls: [sni(443, ['a'])] });
    const told = (managed: readonly string[]): unknown => {
      const { count, firstOfEach } = unmanagedRoutes(object, managed);
      return [count, [...firstOfEach()].map(place)];
    };
    expect(told(['m', 'x', 'm'])).toEqual([2, ['http[1]', 'http[2]']]);
    expect(told(['a'])).toEqual([3, ['http[0]', 'http[1]']]);
    expect(told([])).toEqual([4, ['http[0]', 'http[1]', 'http[2]']]);
  });
});

describe('routeTitle and portsTitle', () => {
  it.each([
    [{ http: named('a') }, 'http route "a"'],
    [{ http: named('') }, 'unnamed http route'],
    [{ tls: [sni(443, ['a', 'b'])] }, 'tls route on port 443 for "a", "b"'],
    [{ tls: [sni(undefined, ['a'])] }, 'tls route without a port for "a"'],
    [{ tls: [sni(443, ['a', 'b', 'c', 'd', 'e', 'f'])] }, 'tls route on port 443 for "a", "b", "c", "d", "e"'],
    [{ tcp: [port(1, 2)] }, 'tcp route on ports 1, 2'],
    [{ tcp: [{}] }, 'tcp route without a port'],
  ])('%j: %s', (spec, expected) => {
    const titles = routesOf(virtualService(spec)).map((route) => [routeTitle(route), portsTitle(route)]);
    expect(titles.map(([title]) => title)).toEqual([expected]);
    if (!('http' in spec)) expect(titles.map(([, ports]) => expected.endsWith(` ${ports}`))).toEqual([true]);
  });
});
