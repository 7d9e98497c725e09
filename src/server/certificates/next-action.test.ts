import { describe, expect, it } from 'vitest';
import { nextAction, type CertificateState, type Times } from './next-action.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 5, 1);

function authority(id: string, age = 0): NonNullable<CertificateState['authority']> {
  return { id, notBefore: NOW - HOUR - age, notAfter: NOW + 365 * DAY - age };
}

function serving(issuer: string, age = 0): NonNullable<CertificateState['serving']> {
  return { issuer, notBefore: NOW - HOUR - age, notAfter: NOW + 90 * DAY - age };
}

const EMPTY: CertificateState = {
  authority: undefined,
  next: undefined,
  trusted: [],
  serving: undefined,
  bundles: [],
  requested: undefined,
};
const SETTLED: CertificateState = {
  ...EMPTY,
  authority: authority('a'),
  trusted: ['a'],
  serving: serving('a'),
  bundles: [['a'], ['a']],
};
const ROTATING: CertificateState = {
  ...SETTLED,
  next: authority('b'),
  bundles: [
    ['b', 'a'],
    ['a', 'b'],
  ],
};
const ROTATED: CertificateState = {
  ...SETTLED,
  authority: authority('b'),
  trusted: ['b', 'a'],
  serving: serving('b'),
  bundles: [
    ['b', 'a'],
    ['b', 'a'],
  ],
};
const LONG = 400 * DAY;

describe('the next step of certificates', () => {
  it.each<[string, CertificateState, Partial<Times>, object]>([
    ['nothing is there', EMPTY, {}, { kind: 'create' }],
    ['the webhooks have no bundle yet', { ...EMPTY, bundles: [[], []] }, {}, { kind: 'create' }],
    ['the first bundle is missing', { ...SETTLED, bundles: [['a'], []] }, {}, { kind: 'trust', ids: ['a'] }],
    ['all is well', SETTLED, { nextTrusted: LONG, served: LONG }, { kind: 'wait' }],
    ['there are no webhooks', { ...SETTLED, bundles: [] }, {}, { kind: 'wait' }],
    ['the certificate has 31 days left', { ...SETTLED, serving: serving('a', 59 * DAY) }, {}, { kind: 'wait' }],
    ['the certificate has 29 days left', { ...SETTLED, serving: serving('a', 61 * DAY) }, {}, { kind: 'renew' }],
    ['the certificate is for later', { ...SETTLED, serving: serving('a', -DAY) }, {}, { kind: 'renew' }],
    ['the certificate cannot be used', { ...SETTLED, serving: undefined }, {}, { kind: 'renew' }],
    ['a certificate is requested', { ...SETTLED, requested: 'certificate' }, {}, { kind: 'renew' }],
    ['an authority is requested', { ...SETTLED, requested: 'ca' }, {}, { kind: 'prepare', trusted: ['a'] }],
    ['the authority has 123 days left', { ...SETTLED, authority: authority('a', 242 * DAY) }, {}, { kind: 'wait' }],
    [
      'the authority has 121 days left',
      { ...SETTLED, authority: authority('a', 244 * DAY) },
      {},
      { kind: 'prepare', trusted: ['a'] },
    ],
    [
      'the Secret is empty, and the webhooks trust others',
      { ...EMPTY, bundles: [['x'], ['y', 'x']] },
      {},
      { kind: 'prepare', trusted: ['x', 'y'] },
    ],
    [
      'the next one is in one bundle',
      { ...ROTATING, bundles: [['b', 'a'], ['a']] },
      { nextTrusted: LONG },
      { kind: 'trust', ids: ['b', 'a'] },
    ],
    ['the next one is trusted only now', ROTATING, { nextTrusted: 29 * SECOND }, { kind: 'wait' }],
    ['the next one is trusted for long', ROTATING, { nextTrusted: 30 * SECOND }, { kind: 'switch' }],
    [
      'the certificate expires during a rotation that cannot go on',
      { ...ROTATING, bundles: [['a']], serving: serving('a', 61 * DAY) },
      {},
      { kind: 'renew' },
    ],
    [
      'the next one has expired',
      { ...ROTATING, next: authority('b', 366 * DAY), requested: 'ca' },
      { nextTrusted: LONG },
      { kind: 'prepare', trusted: ['a', 'b'] },
    ],
    [
      'the next one is for later',
      { ...ROTATING, next: authority('b', -DAY) },
      { nextTrusted: LONG },
      { kind: 'prepare', trusted: ['a', 'b'] },
    ],
    [
      'the next one has expired, and the authority has not',
      { ...ROTATING, next: authority('b', 366 * DAY) },
      { nextTrusted: LONG },
      { kind: 'prepare', trusted: ['a', 'b'] },
    ],
    ['the old one is trusted for a day', ROTATED, { now: NOW + DAY, served: LONG }, { kind: 'trust', ids: ['b'] }],
    [
      'one bundle still trusts it',
      { ...ROTATED, bundles: [['b'], ['b', 'a']] },
      { now: NOW + DAY, served: LONG },
      { kind: 'trust', ids: ['b'] },
    ],
    [
      'no bundle trusts it any more',
      { ...ROTATED, bundles: [['b'], ['b']] },
      { now: NOW + DAY, served: LONG },
      { kind: 'retire', trusted: ['b'] },
    ],
    [
      'another process removed it from the bundles',
      { ...ROTATED, bundles: [['b'], ['b']] },
      { now: NOW + DAY },
      { kind: 'trust', ids: ['b', 'a'] },
    ],
    ['the old one is trusted for less', ROTATED, { now: NOW + DAY - 1, served: LONG }, { kind: 'wait' }],
    ['the clock jumps after a rotation', ROTATED, { now: NOW + DAY, served: 9 * 60 * SECOND }, { kind: 'wait' }],
    ['the old one is retired', { ...ROTATED, trusted: ['b'], bundles: [['b']] }, {}, { kind: 'wait' }],
    [
      'another tool has set a bundle',
      { ...SETTLED, bundles: [['x'], ['a', 'y']] },
      { nextTrusted: LONG, served: LONG },
      { kind: 'prepare', trusted: ['a', 'x', 'y'] },
    ],
    [
      'another tool has set a bundle during a rotation',
      { ...ROTATING, bundles: [['x'], ['b', 'a']] },
      { nextTrusted: LONG },
      { kind: 'prepare', trusted: ['a', 'x', 'b'] },
    ],
    [
      'another tool sets it again and again',
      { ...ROTATING, trusted: ['a', 'x'], bundles: [['x'], ['x']] },
      { nextTrusted: LONG },
      { kind: 'trust', ids: ['b', 'a', 'x'] },
    ],
    [
      'no more can be trusted',
      { ...SETTLED, trusted: ['a', '2', '3', '4', '5', '6', '7', '8'], bundles: [['a', 'x']] },
      {},
      { kind: 'trust', ids: ['a', '2', '3', '4', '5', '6', '7', '8'] },
    ],
    [
      'many are trusted',
      { ...EMPTY, trusted: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'] },
      {},
      { kind: 'prepare', trusted: ['1', '2', '3', '4', '5', '6', '7', '8'] },
    ],
  ])('when %s', (_, state, times, action) => {
    expect(nextAction(state, { now: NOW, nextTrusted: 0, served: 0, ...times })).toEqual(action);
  });
});
