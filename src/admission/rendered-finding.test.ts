import { describe, expect, it } from 'vitest';
import type { Finding } from '../rules/finding.ts';
import type { KubeObject } from '../world/object.ts';
import { fitWarnings, renderFinding, warningText, type RenderOptions } from './rendered-finding.ts';

function object(kind: string, name: string, namespace = 'shop'): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace } };
}

const ROLLOUT = object('Rollout', 'reviews');
const SERVICE = object('Service', 'reviews-stable');
const USUAL: RenderOptions = { foreign: false, operation: 'CREATE', denied: false };

function finding(message: string, more: Partial<Finding> = {}): Finding {
  return {
    rule: 'some-rule',
    messageId: 'some',
    class: 'invalid',
    subject: ROLLOUT,
    object: ROLLOUT,
    path: ['spec', 'steps'],
    related: [],
    anchor: '',
    message: { text: message, fix: 'use 0 to 100' },
    data: {},
    dependsOn: [],
    ...more,
  };
}

describe('a finding at admission', () => {
  it.each([
    {
      about: 'the admitted object',
      found: finding('step 1 sets weight 120'),
      admitted: ROLLOUT,
      cause: 'step 1 sets weight 120: use 0 to 100 [rollgate/some-rule]',
      warning: 'Rollout "reviews": step 1 sets weight 120: use 0 to 100 [rollgate/some-rule]',
    },
    {
      about: 'another object',
      found: finding('it has no port 80'),
      admitted: SERVICE,
      cause: 'Rollout "reviews": it has no port 80: use 0 to 100 [rollgate/some-rule]',
      warning: 'Rollout "reviews": it has no port 80: use 0 to 100 [rollgate/some-rule]',
    },
    {
      about: 'an object that the message begins with',
      found: finding('Rollout "reviews" is named twice'),
      admitted: SERVICE,
      cause: 'Rollout "reviews" is named twice: use 0 to 100 [rollgate/some-rule]',
      warning: 'Rollout "reviews" is named twice: use 0 to 100 [rollgate/some-rule]',
    },
    {
      about: 'an object that the message names further on',
      found: finding('the Service of Rollout "reviews" is shared'),
      admitted: SERVICE,
      cause: 'Rollout "reviews": the Service of Rollout "reviews" is shared: use 0 to 100 [rollgate/some-rule]',
      warning: 'Rollout "reviews": the Service of Rollout "reviews" is shared: use 0 to 100 [rollgate/some-rule]',
    },
  ])('about $about', ({ found, admitted, cause, warning }) => {
    const rendered = renderFinding(found, admitted, USUAL);
    expect([rendered.text, warningText(rendered, found)]).toEqual([cause, warning]);
  });

  it('about a deleted object names what breaks, and warns as the deleted object', () => {
    const found = finding('there is no stable Service "reviews-stable"', { class: 'missing' });
    const rendered = renderFinding(found, SERVICE, { ...USUAL, operation: 'DELETE' });
    expect(warningText(rendered, found)).toBe(
      'Service "reviews-stable": deleting this breaks Rollout "reviews": there is no stable Service "reviews-stable": change the Rollout too [rollgate/some-rule]',
    );
    expect(renderFinding(found, SERVICE, { ...USUAL, operation: 'DELETE', denied: true }).text).toContain(
      ': change the Rollout first ',
    );
  });

  it('of another namespace reveals the kind and name of the other object only', () => {
    const found = finding('secret', { subject: object('Rollout', 'theirs', 'mesh') });
    const rendered = renderFinding(found, SERVICE, { ...USUAL, foreign: true });
    expect(warningText(rendered, found)).toBe(
      'Service "reviews-stable": does not fit Rollout "mesh/theirs" of another namespace (who may read that is told why): ask its owner, or lint both together [rollgate/some-rule]',
    );
  });
});

describe('a warning', () => {
  it('leaves out a fix that it has no room for', () => {
    const found = finding('wrong', { message: { text: 'wrong', fix: 'x'.repeat(250) } });
    expect(warningText(renderFinding(found, ROLLOUT, USUAL), found)).toBe(
      'Rollout "reviews": wrong [rollgate/some-rule]',
    );
  });

  it('that is cut keeps its rule', () => {
    const [cut = ''] = fitWarnings([`${'x'.repeat(300)} [rollgate/some-rule]`]);
    expect(cut).toHaveLength(256);
    expect(cut.endsWith('x… [rollgate/some-rule]')).toBe(true);
  });

  it('that does not fit is counted', () => {
    const all = Array.from({ length: 40 }, (_, index) => `${index} ${'x'.repeat(200)}`);
    const fitting = fitWarnings([...all, ...all]);
    expect(Buffer.byteLength(fitting.join(''))).toBeLessThan(4096);
    expect(fitting.at(-1)).toBe(`and ${40 - (fitting.length - 1)} more`);
  });
});
