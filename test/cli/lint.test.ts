import { describe, expect, it } from 'vitest';
import { runLint, type LintOptions } from '../../src/commands/lint.ts';
import { FORMAT_NAMES } from '../../src/report/index.ts';
import { isKubeObject, type KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { parseManifests } from '../../src/world/manifests.ts';
import { bundle, directory, io, ROLLOUT, service, virtualService } from './support.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function lint(cwd: string, options: LintOptions, given: Parameters<typeof io>[1] = {}): Promise<Ran> {
  const written = io(cwd, given);
  const code = await runLint(options, written);
  return { code, out: written.out(), err: written.err() };
}

interface Report {
  readonly verdict: string;
  readonly findings: readonly {
    readonly rule: string;
    readonly decision: string;
    readonly message: string;
    readonly file: string;
    readonly object: { readonly namespace: string };
  }[];
  readonly skipped: readonly { readonly rule: string }[];
}

async function reportOf(cwd: string, options: LintOptions, given: Parameters<typeof io>[1] = {}): Promise<Report> {
  return JSON.parse((await lint(cwd, { ...options, output: 'json' }, given)).out) as Report;
}

const good = bundle('primary').join('---\n');
const bad = bundle('main').join('---\n');

function objectsOf(text: string): KubeObject[] {
  return parseManifests(text, '')
    .objects.map(({ object }) => object)
    .filter(isKubeObject);
}

it('a placeholder without quotes is one finding, and its object is still judged', async () => {
  const template = `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: errors }
spec:
  args: [{ name: service }]
  metrics:
    - name: ratio
      interval: 1m
      successCondition: result[0] => 1
      provider:
        prometheus: { address: 'http://prometheus', query: {{args.service}} }
        __proto__: {{args.service}}
`;
  const { code, out } = await lint(directory({ 'a.yaml': template }), { paths: ['a.yaml'], color: false });
  expect(code).toBe(2);
  expect(out).toContain('error    YAML reads {{...}} without quotes as a mapping: put it in quotes');
  expect(out).toContain('unexpected =');
  expect(out).not.toMatch(/not an object|none of its metrics uses/);
});

it('files that repeat objects of others have one finding each, which names each other file once', async () => {
  const objects = (names: string, port: number): string =>
    [...names].map((name) => service(name).replace(/port: \d+/, `port: ${port}`)).join('---\n');
  const root = directory({ 'a.yaml': objects('abc', 1), 'b.yaml': objects('ab', 1), 'c.yaml': objects('abcd', 2) });
  const same = { 'd.yaml': objects('d', 2) };
  const findings = async (path: string): Promise<string[]> =>
    (await reportOf(path, { paths: ['.'] })).findings
      .filter(({ rule }) => rule === 'duplicate-object')
      .map(({ message }) => message);
  expect(await findings(root)).toEqual([
    'also in a.yaml:1 and b.yaml:1, with different content: Service "a" and 2 more',
  ]);
  const other = directory({
    'a.yaml': objects('ab', 1),
    'b.yaml': objects('c', 2),
    'c.yaml': objects('abcd', 2),
    ...same,
  });
  expect(await findings(other)).toEqual([
    'also in a.yaml:1 and b.yaml:1, with different content: Service "a" and 1 more, and 1 with the same content',
    expect.stringMatching(/^also in c.yaml:\d+, with the same content: Service "d"$/),
  ]);
});

describe('the exit code', () => {
  it.each(FORMAT_NAMES)('is the same as %s: 0 clean, 1 denied, 2 could not run', async (output) => {
    const root = directory({
      'good.yaml': good,
      'bad.yaml': bad,
      'warned.yaml': service('cart').replace('ports:', 'prots:'),
      'broken.yaml': 'a: [1\nb: 2',
      'empty/readme.md': '',
    });
    const codes = await Promise.all(
      ['good.yaml', 'warned.yaml', 'bad.yaml', 'broken.yaml', 'absent.yaml', 'empty'].map(
        async (path) => (await lint(root, { paths: [path], output })).code,
      ),
    );
    expect(codes).toEqual([0, 0, 1, 2, 2, 2]);
  });

  it('is 2 if one of several files cannot be read, and the other files are still reported', async () => {
    const root = directory({ 'bad.yaml': bad, 'broken.yaml': 'a: [1\nb: 2' });
    const ran = await lint(root, { paths: ['bad.yaml', 'broken.yaml', 'absent.yaml'] });
    expect(ran.code).toBe(2);
    expect(ran.out).toContain('virtualservice-route-exists');
    expect(ran.out).toMatch(/^broken\.yaml\n {2}2:1 +error /m);
    expect(ran.err).toBe('rollgate lint: absent.yaml: no such file or directory\n');
    expect((await lint(root, { paths: ['bad.yaml'], policy: 'no-policy.yaml' })).err).toBe(
      'rollgate lint: no-policy.yaml: no such file or directory\n',
    );
    expect((await lint(directory({ 'good.yaml': good }), { paths: ['good.yaml', 'absent.yaml'] })).code).toBe(2);
  });

  it('is 0 if templates were skipped, which is reported', async () => {
    const root = directory({
      'good.yaml': good,
      'templates/rollout.yaml':
        'apiVersion: v1\nkind: Service\n{{- if .Values.on }}\nmetadata: { name: cart }\n{{- end }}',
    });
    const ran = await lint(root, { paths: ['.'] });
    expect(ran.code).toBe(0);
    expect(ran.err).toBe(
      'rollgate lint: skipped 1 unrendered (templates/rollout.yaml): helm template CHART | rollgate lint -\n',
    );
    expect(ran.out).toContain('✔ 4 objects, no problems');
  });
});

describe('the report', () => {
  it('says what is wrong, where, how to fix it, and by which rule', async () => {
    const { out } = await lint(directory({ 'cart.yaml': bad }), { paths: ['cart.yaml'] });
    expect(out).toContain(
      'cart.yaml\n  13:50  error  VirtualService "cart" has no http route "primary" (it has "main"): name one of its routes in the Rollout, or add this route first  virtualservice-route-exists\n',
    );
    expect(out).toMatch(/\n✖ 1 problem \(1 error, 0 warnings\)\n$/);
  });

  it('is the same for documents and paths in any order', async () => {
    const parts = [...bundle('main'), service('cart-canary'), ROLLOUT.replace('stableService:', 'stableservices:')];
    const essence = async (texts: readonly string[]): Promise<string[]> => {
      const { findings, skipped } = await reportOf(directory({}), { paths: ['-'] }, { stdin: texts.join('---\n') });
      // The line of the other object differs then.
      return [
        ...findings.map((finding) =>
          JSON.stringify([
            finding.rule,
            finding.decision,
            finding.object,
            finding.message.replaceAll(/<stdin>:\d+/g, ''),
          ]),
        ),
        ...skipped.map((skip) => JSON.stringify(skip)),
      ].sort();
    };
    const expected = await essence(parts);
    expect(expected.length).toBeGreaterThan(4);
    expect(await essence(parts.toReversed())).toEqual(expected);
    expect(await essence([...parts.slice(3), ...parts.slice(0, 3)])).toEqual(expected);

    const root = directory(Object.fromEntries(parts.map((text, index) => [`${index}.yaml`, text])));
    const files = parts.map((_, index) => `${index}.yaml`);
    const first = await lint(root, { paths: files });
    expect(await lint(root, { paths: files.toReversed() })).toEqual(first);
    expect(await lint(root, { paths: ['.'] })).toEqual(first);
  });

  it('goes to stdout alone', async () => {
    for (const output of FORMAT_NAMES)
      expect((await lint(directory({ 'a.yaml': bad }), { paths: ['a.yaml'], output })).err, output).toBe('');
  });

  it('has colors on a terminal, unless they are turned off', async () => {
    const root = directory({ 'a.yaml': bad });
    const colored = async (options: Partial<LintOptions>, given: Parameters<typeof io>[1]): Promise<boolean> =>
      (await lint(root, { paths: ['a.yaml'], ...options }, given)).out.includes('\u001b[');
    expect(await colored({}, { isTTY: true })).toBe(true);
    expect(await colored({ color: true }, { isTTY: true, env: { NO_COLOR: '' } })).toBe(true);
    expect(await colored({}, { isTTY: false })).toBe(false);
    expect(await colored({ color: false }, { isTTY: true })).toBe(false);
    expect(await colored({}, { isTTY: true, env: { NO_COLOR: '1' } })).toBe(false);
    expect(await colored({ output: 'json' }, { isTTY: true })).toBe(false);
  });
});

describe('options', () => {
  it('--namespace sets the namespace of objects that name none', async () => {
    const root = directory({ 'a.yaml': bad.replaceAll(', namespace: shop', '') });
    expect(
      (await reportOf(root, { paths: ['a.yaml'], namespace: 'other' })).findings.map(({ object }) => object.namespace),
    ).toEqual(['other']);
    expect((await reportOf(root, { paths: ['a.yaml'] })).findings.map(({ object }) => object.namespace)).toEqual([
      'default',
    ]);
  });

  it('--require-references denies missing references', async () => {
    const root = directory({ 'a.yaml': [ROLLOUT, virtualService('primary')].join('---\n') });
    expect(await reportOf(root, { paths: ['a.yaml'] })).toMatchObject({ verdict: 'allow' });
    const strict = await reportOf(root, { paths: ['a.yaml'], requireReferences: true });
    expect(strict).toMatchObject({ verdict: 'deny' });
    expect(new Set(strict.findings.map(({ rule }) => rule))).toEqual(new Set(['reference-exists']));
  });

  it('--policy sets decisions, also of document checks', async () => {
    const root = directory({
      'a.yaml': bad.replace('stableService:', 'stableservice: x\n      stableService:'),
      'audit.yaml': 'mode: audit\n',
      'rules.yaml': 'rules: { virtualservice-route-exists: off, unknown-field: deny }\n',
      'wrong.yaml': 'mode: strict\nrules: { unknown-fields: off }\n',
    });
    expect((await lint(root, { paths: ['a.yaml'] })).code).toBe(1);
    expect((await lint(root, { paths: ['a.yaml'], policy: 'audit.yaml' })).code).toBe(0);
    const report = await reportOf(root, { paths: ['a.yaml'], policy: 'rules.yaml' });
    expect(report.findings.map(({ rule, decision }) => `${rule} ${decision}`)).toEqual(['unknown-field deny']);

    const wrong = await lint(root, { paths: ['a.yaml'], policy: 'wrong.yaml' });
    expect([wrong.code, wrong.out]).toEqual([2, '']);
    expect(wrong.err).toMatch(/^rollgate lint: wrong\.yaml: mode: /);
    const unknown = await lint(directory({ 'a.yaml': good, 'p.yaml': 'rules: { unknown-fields: off }\n' }), {
      paths: ['a.yaml'],
      policy: 'p.yaml',
    });
    expect(unknown).toEqual({
      code: 2,
      out: '',
      err: 'rollgate lint: p.yaml: rules: unknown rule "unknown-fields"; did you mean "unknown-field"?\n',
    });
    expect((await lint(root, { paths: ['a.yaml'], policy: 'absent.yaml' })).err).toMatch(
      /^rollgate lint: absent\.yaml: /,
    );
  });

  it('resolves references in a base world, and does not report what was wrong in it before', async () => {
    const [rollout = '', routes = '', ...services] = bundle('primary');
    const root = directory({ 'a.yaml': rollout });
    expect(
      (await reportOf(root, { paths: ['a.yaml'], base: storeOf(objectsOf([routes, ...services].join('---\n'))) }))
        .findings,
    ).toEqual([]);
    const wrong = objectsOf([virtualService('main'), ...services].join('---\n'));
    expect(
      (await reportOf(root, { paths: ['a.yaml'], base: storeOf(wrong) })).findings.map(({ rule }) => rule),
    ).toEqual(['virtualservice-route-exists']);
    expect(
      (await reportOf(root, { paths: ['a.yaml'], base: storeOf([...wrong, ...objectsOf(rollout)]) })).findings,
    ).toEqual([]);
  });

  it('- reads standard input', async () => {
    const ran = await lint(directory({}), { paths: ['-'] }, { stdin: bad });
    expect(ran.code).toBe(1);
    expect(ran.out).toMatch(/^<stdin>\n {2}13:50 /);
  });
});

describe('--rollouts-version', () => {
  const FILES = {
    'rollout.yaml': `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web, namespace: shop }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: web }] }
  strategy:
    canary:
      pingPong: { pingService: ping, pongService: pong }
      trafficRouting: { plugins: { example.com/mesh: { route: web } } }
`,
    // A denial that is asked for does not make those wrong who run another version.
    'strict.yaml': 'rules: { rollout-services: deny }\ncontrollers: { version: "1.10" }',
    'any.yaml': 'rules: { rollout-services: deny }',
  };
  const about = async (options: Partial<LintOptions>): Promise<string> => {
    const { findings } = await reportOf(directory(FILES), { paths: ['rollout.yaml'], ...options });
    return findings
      .filter(({ rule }) => rule === 'rollout-services')
      .map(({ decision, message }) => `${decision}: ${message}`)
      .join();
  };
  const MESSAGE = 'pingPong works only with AWS ALB and Istio, but trafficRouting has neither';

  it.each([
    ['what that version rejects is denied', { rolloutsVersion: '1.9' }, `deny: ${MESSAGE}`],
    ['what it accepts is not', { rolloutsVersion: 'v1.10.1' }, ''],
    ['without one, what some versions reject is a warning', {}, `warn: with Argo Rollouts before 1.10, ${MESSAGE}`],
    ['also where the policy denies', { policy: 'any.yaml' }, `warn: with Argo Rollouts before 1.10, ${MESSAGE}`],
    ['the policy may name one', { policy: 'strict.yaml' }, ''],
    ['the option comes first', { policy: 'strict.yaml', rolloutsVersion: '1.9.3' }, `deny: ${MESSAGE}`],
  ])('%s', async (_, options, expected) => {
    expect(await about(options)).toBe(expected);
  });

  it('that is none is an error', async () => {
    const { code, err } = await lint(directory(FILES), { paths: ['rollout.yaml'], rolloutsVersion: 'latest' });
    expect(code).toBe(2);
    expect(err).toBe('rollgate lint: --rollouts-version: "latest" is not a version: use one such as 1.10 or 1.10.2\n');
  });

  it('that is not supported is replaced by the nearest one, and this is said', async () => {
    const { err } = await lint(directory(FILES), { paths: ['rollout.yaml'], rolloutsVersion: '1.8' });
    expect(err).toContain('1.8 is not supported');
    expect(await about({ rolloutsVersion: '1.8' })).toBe(`deny: ${MESSAGE}`);
  });
});
