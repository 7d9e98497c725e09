import { describe, expect, it } from 'vitest';
import { VERSION } from '../version.ts';
import { FORMAT_NAMES, formats } from './index.ts';
import type { BundleReport, ReportedFinding } from './model.ts';

const rollout = { kind: 'Rollout', namespace: 'shop', name: 'cart' };

const denied: ReportedFinding = {
  rule: 'virtualservice-route-exists',
  class: 'invalid',
  decision: 'deny',
  object: rollout,
  path: 'spec.strategy.canary.trafficRouting.istio.virtualService.routes[0]',
  message: 'VirtualService "cart" has no http route "primary" (it has "main")',
  fix: 'name one of its routes in the Rollout, or add this route first',
  file: 'shop/a b,c.yaml',
  document: 1,
  line: 23,
  column: 17,
};
const warned: ReportedFinding = {
  rule: 'unknown-field',
  class: 'advice',
  decision: 'warn',
  object: rollout,
  path: 'spec.strategy.canary.autoPromotionEnabled',
  message: 'spec.strategy.canary has no field "autoPromotionEnabled", 100% sure',
  fix: 'move it there, or remove it',
  file: 'shop/a b,c.yaml',
  document: 1,
  line: 9,
  column: 7,
};
const elsewhere: ReportedFinding = {
  rule: 'internal-error',
  class: 'invalid',
  decision: 'warn',
  object: { kind: 'ClusterAnalysisTemplate', namespace: '', name: 'latency' },
  path: 'spec.metrics[0]',
  message: 'the rule x failed: y',
  fix: 'report this',
};

const full: BundleReport = {
  verdict: 'deny',
  findings: [warned, denied, elsewhere],
  skipped: [
    {
      rule: 'plugin-installed',
      object: rollout,
      reason: 'ConfigMap argo-rollouts/argo-rollouts-config: not among these manifests',
    },
    { rule: 'istio-injection', object: rollout, reason: 'Namespace shop: not among these manifests' },
    {
      rule: 'reference-exists',
      object: { ...rollout, name: 'checkout' },
      reason: 'Namespace shop: not among these manifests',
    },
  ],
  errors: [{ file: 'shop/broken.yaml', line: 3, column: 1, message: 'Implicit keys need to be\non a single line' }],
  objects: 4,
};
const clean: BundleReport = { verdict: 'allow', findings: [], skipped: [], errors: [], objects: 1 };
const unknown: BundleReport = {
  ...clean,
  skipped: Array.from({ length: 12 }, (_, index) => ({
    rule: 'reference-exists',
    object: rollout,
    reason: `Secret shop/s${String(index).padStart(2, '0')}: not known`,
  })),
};

describe('text', () => {
  it('lists files, what could not be checked, and a summary', () => {
    expect(formats.text(full, { color: false })).toBe(
      `shop/broken.yaml
  3:1  error  Implicit keys need to be on a single line

shop/a b,c.yaml
  9:7    warning  spec.strategy.canary has no field "autoPromotionEnabled", 100% sure: move it there, or remove it  unknown-field
  23:17  error    VirtualService "cart" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first  virtualservice-route-exists

ClusterAnalysisTemplate latency, in the cluster
  spec.metrics[0]  warning  the rule x failed: y: report this  internal-error

Could not be evaluated:
  ConfigMap argo-rollouts/argo-rollouts-config: not among these manifests (plugin-installed; 1 object)
  Namespace shop: not among these manifests (istio-injection, reference-exists; 2 objects)

✖ 4 problems (2 errors, 2 warnings)
`,
    );
  });

  it('says that all is well', () => {
    expect(formats.text(clean, { color: false })).toBe('✔ 1 object, no problems\n');
  });

  it('never hides that something could not be checked, and keeps it short', () => {
    const lines = formats.text(unknown, { color: false }).split('\n');
    expect(lines[0]).toBe('Could not be evaluated:');
    expect(lines[9]).toBe('  and 4 more reasons; -o json lists them');
    expect(lines.at(-2)).toBe('✔ 1 object, no problems');
  });

  it('has colours only where they are asked for, and the same text with them', () => {
    const colored = formats.text(full, { color: true });
    expect(colored).toContain('\u001b[31m');
    expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(formats.text(full, { color: false }));
    for (const format of FORMAT_NAMES) expect(formats[format](full, { color: false }), format).not.toContain('\u001b');
    for (const format of ['json', 'sarif', 'github'] as const)
      expect(formats[format](full, { color: true }), format).toBe(formats[format](full, { color: false }));
  });

  it('lets no control character of a file name or a message through', () => {
    const nasty = { ...denied, file: 'a\u001b[2J.yaml', message: 'x\u001b]0;y\u0007\nz' };
    expect(formats.text({ ...clean, findings: [nasty] }, { color: false })).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('accounts that only look like controllers', () => {
  const report: BundleReport = { ...clean, untrustedControllers: ['system:serviceaccount:tenant:argo'] };

  it('are in the text and in the JSON', () => {
    expect(formats.text(report, { color: false })).toBe(
      'Look like Argo Rollouts controllers, but the policy does not trust them (controllers.namespaces):\n' +
        '  system:serviceaccount:tenant:argo\n\n✔ 1 object, no problems\n',
    );
    expect(JSON.parse(formats.json(report, { color: false }))).toEqual({
      verdict: 'allow',
      findings: [],
      skipped: [],
      untrustedControllers: report.untrustedControllers,
    });
    expect(formats.json({ ...report, untrustedControllers: [] }, { color: false })).not.toContain('untrusted');
  });
});

describe('what is no longer a problem with another version of Argo Rollouts', () => {
  const report: BundleReport = { ...clean, gone: [denied] };

  it('is in the text and in the JSON, and does not count', () => {
    const text = formats.text(report, { color: false });
    expect(text).toMatch(/^No longer a problem with that version:\n {2}/);
    expect(text).toContain(denied.message);
    expect(text).not.toContain(denied.fix);
    expect(text.trimEnd()).toMatch(/ no problems$/);
    const json = JSON.parse(formats.json(report, { color: false })) as Record<string, unknown>;
    expect(json['gone']).toMatchObject([{ rule: denied.rule, message: denied.message }]);
    expect(json['verdict']).toBe('allow');
    expect(formats.json({ ...report, gone: [] }, { color: false })).not.toContain('gone');
  });
});

describe('a fallback in place of the policy', () => {
  it.each(FORMAT_NAMES)('is named in %s, and a policy is not', (format) => {
    const named = /fallbackPolicy|no valid policy, so it denies nothing/i;
    expect(formats[format]({ ...clean, fallbackPolicy: true }, { color: false })).toMatch(named);
    expect(formats[format](clean, { color: false })).not.toMatch(named);
  });
});

describe('json', () => {
  it('is the verdict, the findings and what could not be checked', () => {
    const parsed: unknown = JSON.parse(formats.json({ ...full, errors: [] }, { color: false }));
    const { document: _, ...place } = denied;
    expect(parsed).toEqual({
      verdict: 'deny',
      findings: [expect.objectContaining({ rule: 'unknown-field', line: 9 }), place, elsewhere],
      skipped: full.skipped,
    });
    expect(Object.keys((parsed as { findings: object[] }).findings[1] ?? {})).toEqual([
      'rule',
      'class',
      'decision',
      'object',
      'path',
      'message',
      'fix',
      'file',
      'line',
      'column',
    ]);
  });

  it('has what could not be read, where there is any', () => {
    expect(JSON.parse(formats.json(full, { color: false }))).toMatchObject({ errors: full.errors });
  });
});

describe('github', () => {
  it('writes commands, escaped as the runner reads them', () => {
    expect(formats.github(full, { color: false }).split('\n')).toEqual([
      '::error file=shop/broken.yaml,line=3,col=1,title=cannot be read::Implicit keys need to be%0Aon a single line',
      '::warning file=shop/a b%2Cc.yaml,line=9,col=7,title=unknown-field::spec.strategy.canary has no field "autoPromotionEnabled", 100%25 sure: move it there, or remove it',
      '::error file=shop/a b%2Cc.yaml,line=23,col=17,title=virtualservice-route-exists::VirtualService "cart" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first',
      '::warning title=internal-error::ClusterAnalysisTemplate latency: the rule x failed: y: report this',
      '::notice title=could not be evaluated::ConfigMap argo-rollouts/argo-rollouts-config: not among these manifests (plugin-installed; 1 object)',
      '::notice title=could not be evaluated::Namespace shop: not among these manifests (istio-injection, reference-exists; 2 objects)',
      '',
    ]);
    expect(formats.github(clean, { color: false })).toBe('');
  });
});

describe('sarif', () => {
  it('is a log of one run, with the rules that found something', () => {
    const log = JSON.parse(formats.sarif(full, { color: false })) as Record<string, unknown>;
    expect(log).toMatchObject({
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: {
              name: 'rollgate',
              semanticVersion: VERSION,
              rules: [
                { id: 'internal-error' },
                {
                  id: 'unknown-field',
                  shortDescription: { text: expect.any(String) as string },
                  help: { text: expect.any(String) as string },
                },
                {
                  id: 'virtualservice-route-exists',
                  shortDescription: { text: expect.any(String) as string },
                  help: { text: expect.any(String) as string },
                },
              ],
            },
          },
          invocations: [
            {
              executionSuccessful: false,
              toolExecutionNotifications: [
                { level: 'error', message: { text: full.errors[0]?.message } },
                { level: 'note' },
                { level: 'note' },
              ],
            },
          ],
          results: [
            { ruleId: 'unknown-field', ruleIndex: 1, level: 'warning' },
            {
              ruleId: 'virtualservice-route-exists',
              ruleIndex: 2,
              level: 'error',
              message: { text: `${denied.message}: ${denied.fix}` },
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: 'shop/a%20b%2Cc.yaml' },
                    region: { startLine: 23, startColumn: 17 },
                  },
                  logicalLocations: [{ fullyQualifiedName: `Rollout/shop/cart: ${denied.path}` }],
                },
              ],
              properties: { class: 'invalid' },
            },
            {
              ruleId: 'internal-error',
              ruleIndex: 0,
              locations: [
                { logicalLocations: [{ fullyQualifiedName: 'ClusterAnalysisTemplate/latency: spec.metrics[0]' }] },
              ],
            },
          ],
        },
      ],
    });
  });

  it('of a clean bundle has no result', () => {
    expect(JSON.parse(formats.sarif(clean, { color: false }))).toMatchObject({
      runs: [{ results: [], invocations: [{ executionSuccessful: true, toolExecutionNotifications: [] }] }],
    });
  });
});

it('the names are those of the formats', () => {
  expect([...FORMAT_NAMES].sort()).toEqual(Object.keys(formats).sort());
});
