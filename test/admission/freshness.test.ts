import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/world/object.ts';
import { gateOver, liveOf, requestFor, validate, UNREADABLE } from '../support/gate.ts';
import { badRoute, goodRoute, rollout, services } from '../support/reviews-shop.ts';

describe('a stale cache', () => {
  it('does not deny a change that the live objects allow', async () => {
    const gate = gateOver([...services, badRoute], { live: liveOf(() => [...services, goodRoute]) });
    expect((await validate(gate, requestFor(rollout, undefined))).record.verdict).toBe('allow');
  });

  it('does not report objects as missing that exist', async () => {
    const gate = gateOver([], { live: liveOf(() => [...services, goodRoute]) });
    expect((await validate(gate, requestFor(rollout, undefined))).record.verdict).toBe('allow');
  });

  it('does not hide problems of objects that it does not have yet', async () => {
    const gate = gateOver([], { live: liveOf(() => [...services, badRoute]) });
    expect((await validate(gate, requestFor(rollout, undefined))).record.verdict).toBe('deny');
  });

  it('leads to a warning if the live objects cannot be read in time', async () => {
    expect(
      (await validate(gateOver([...services, badRoute], { live: UNREADABLE }), requestFor(rollout, undefined))).record
        .verdict,
    ).toBe('warn');
  });

  it('does not prevent a denial that depends on no other object', async () => {
    const broken: KubeObject = { ...rollout, spec: { ...(rollout['spec'] as object), strategy: {} } };
    expect((await validate(gateOver([], { live: UNREADABLE }), requestFor(broken, undefined))).record.verdict).toBe(
      'deny',
    );
  });
});
