import { describe, expect, it } from 'vitest';
import { destinationService, mayBeSameHost, shortHost } from '../../src/world/istio-hosts.ts';

describe('shortHost', () => {
  it.each([
    ['reviews', 'reviews'],
    ['reviews.shop.svc.cluster.local', 'reviews'],
    ['reviews.example.com', 'reviews'],
    ['.reviews', ''],
    ['', ''],
  ])('of "%s" is "%s"', (host, expected) => {
    expect(shortHost(host)).toBe(expected);
  });
});

describe('destinationService', () => {
  it.each<[host: string, expected: { name: string; namespace: string } | undefined]>([
    ['reviews', { name: 'reviews', namespace: 'edge' }],
    ['reviews.shop.svc', { name: 'reviews', namespace: 'shop' }],
    ['reviews.shop.svc.cluster.local', { name: 'reviews', namespace: 'shop' }],
    ['reviews.shop.svc.example.internal', { name: 'reviews', namespace: 'shop' }],
    // Istio expands only names without dots.
    ['reviews.shop', undefined],
    ['reviews.example.com', undefined],
    ['svc.svc', undefined],
    ['reviews..svc', undefined],
    ['.shop.svc', undefined],
    ['', undefined],
    ['*', undefined],
    ['*.shop.svc.cluster.local', undefined],
    ['shop/reviews', undefined],
    ['10.0.0.1', undefined],
    ['fd00::1', undefined],
  ])('of "%s"', (host, expected) => {
    expect(destinationService(host, 'edge')).toEqual(expected);
  });
});

describe('mayBeSameHost', () => {
  it.each<[a: string, b: string, expected: boolean]>([
    ['reviews', 'reviews', true],
    ['reviews', 'Reviews.shop.svc.cluster.local', true],
    ['reviews', 'reviews.shop', true],
    ['reviews.example.com', 'REVIEWS.example.com', true],
    ['*.example.com', 'anything', true],
    ['reviews', 'ratings', false],
    ['reviews', 'reviews.other.svc.cluster.local', false],
    ['reviews.example.com', 'reviews.example.org', false],
    ['reviews', 'reviews.example.com', false],
  ])('%s and %s: %s', (a, b, expected) => {
    const [first, second] = [
      { host: a, namespace: 'shop' },
      { host: b, namespace: 'shop' },
    ];
    expect(mayBeSameHost(first, second)).toBe(expected);
    expect(mayBeSameHost(second, first)).toBe(expected);
  });

  it('resolves a short host in the namespace of its object', () => {
    expect(mayBeSameHost({ host: 'reviews', namespace: 'shop' }, { host: 'reviews', namespace: 'edge' })).toBe(false);
  });
});
