import { describe, expect, it } from 'vitest';
import type { Finding } from '../rules/finding.ts';
import type { KubeObject } from '../world/object.ts';
import { messages } from '../rules/reference-exists/messages.ts';
import { warningsOf, type Warned } from './warning-lines.ts';
import { renderFinding } from './rendered-finding.ts';

function rollout(name = 'web'): KubeObject {
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name, namespace: 'shop' } };
}

interface Given {
  readonly what?: string;
  readonly name: string;
  readonly use?: string;
  readonly hint?: string;
  readonly subject?: KubeObject;
  readonly ownLine?: boolean;
  readonly more?: Partial<Finding>;
}

function missing({
  what = 'canary Service',
  name,
  use = '',
  hint = '',
  subject = rollout(),
  ownLine = false,
  more,
}: Given): Warned {
  const finding: Finding = {
    rule: 'reference-exists',
    messageId: 'absent',
    class: 'missing',
    subject,
    object: subject,
    path: ['spec'],
    related: [],
    anchor: name,
    message: messages.absent,
    data: { what, name, where: '', use, hint },
    dependsOn: [],
    ...more,
  };
  return {
    finding,
    ownLine,
    text: renderFinding(finding, subject, { foreign: false, operation: 'CREATE', denied: false }),
  };
}

const OTHER = missing({
  name: 'x',
  more: { rule: 'rollout-steps', class: 'invalid', message: { text: 'step 1 sets weight 120', fix: 'use 0 to 100' } },
});

describe('warnings about missing objects', () => {
  it('are one line that names them, in place of the first', () => {
    expect(
      warningsOf([
        missing({ name: 'web-canary' }),
        OTHER,
        missing({ what: 'stable Service', name: 'web-stable' }),
        missing({ what: 'VirtualService', name: 'web', use: ' (needed to set weights)' }),
      ]),
    ).toEqual([
      'Rollout "web": not found: canary Service "web-canary", stable Service "web-stable", VirtualService "web": fine if they come with this apply, otherwise create them [rollgate/reference-exists]',
      'Rollout "web": step 1 sets weight 120: use 0 to 100 [rollgate/rollout-steps]',
    ]);
  });

  it('say of a single one what it is needed for', () => {
    expect(warningsOf([missing({ what: 'VirtualService', name: 'web', use: ' (needed to set weights)' })])).toEqual([
      'Rollout "web": VirtualService "web" not found (needed to set weights): fine if it comes with this apply, otherwise create it, or use the name of one that exists [rollgate/reference-exists]',
    ]);
  });

  it('say the same if two findings miss it', () => {
    const twice = [missing({ name: 'web-canary' }), missing({ name: 'web-canary' })];
    expect(warningsOf(twice)).toEqual(warningsOf(twice.slice(1)));
  });

  it('are separate for a name that looks like a typo', () => {
    const typo = missing({ what: 'stable Service', name: 'web-stabel', hint: ' (did you mean "web-stable"?)' });
    expect(warningsOf([missing({ name: 'a' }), typo, missing({ name: 'b' })])).toEqual([
      'Rollout "web": not found: canary Service "a", canary Service "b": fine if they come with this apply, otherwise create them [rollgate/reference-exists]',
      'Rollout "web": stable Service "web-stabel" not found: create it, or use the name of one that exists (did you mean "web-stable"?) [rollgate/reference-exists]',
    ]);
  });

  it.each<[string, Partial<Given>]>([
    ['that needs a line of its own', { ownLine: true }],
    ['of another class', { more: { class: 'invalid' } }],
    ['that another fix than creating helps', { more: { message: messages.otherScope } }],
  ])('do not contain one %s', (_, given) => {
    const warnings = warningsOf([missing({ name: 'a', ...given }), missing({ name: 'b' })]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).not.toContain('this apply');
    expect(warnings[1]).toContain('canary Service "b" not found: fine if it comes with this apply');
  });

  it('are one line for each object', () => {
    const other = rollout('other');
    const warnings = warningsOf([
      missing({ name: 'a' }),
      missing({ name: 'c', subject: other }),
      missing({ name: 'b' }),
      missing({ name: 'd', subject: other }),
    ]);
    expect(warnings.map((line) => line.replace(/: fine.*/, ''))).toEqual([
      'Rollout "web": not found: canary Service "a", canary Service "b"',
      'Rollout "other": not found: canary Service "c", canary Service "d"',
    ]);
  });

  it('name an object once, as many as fit in 256 characters, and count the others', () => {
    const named = Array.from({ length: 20 }, (_, index) => missing({ name: `service-${index}` }));
    const [line = '', ...others] = warningsOf([...named, ...named]);
    expect(others).toEqual([]);
    expect(line.length).toBeLessThanOrEqual(256);
    expect(line).toMatch(
      /, canary Service "service-4", 15 more: fine if they come with this apply \[rollgate\/reference-exists\]$/,
    );
    const long = warningsOf([missing({ name: 'n'.repeat(140) }), missing({ name: 'm' })]);
    expect(long).toEqual([expect.stringMatching(/^.{0,256}$/)]);
    expect(long[0]).toContain('", 1 more: fine if they come with this apply');
    expect(warningsOf([missing({ name: 'n'.repeat(120) })])).toEqual([
      `Rollout "web": canary Service "${'n'.repeat(120)}" not found: fine if it comes with this apply [rollgate/reference-exists]`,
    ]);
  });
});
