import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { main } from '../../src/program.ts';
import { directory, io, service } from './support.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/simulate.md'), 'utf8');
const [, MANIFEST = ''] = /```yaml\n([^]*?)```/.exec(PAGE) ?? [];
const [, SHOWN = ''] = /```console\n([^]*?)```/.exec(PAGE) ?? [];

interface Ran {
  readonly code: number | undefined;
  readonly out: string;
  readonly err: string;
}

async function simulate(files: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> {
  const written = io(directory(files));
  const code = await main(['simulate', ...args], written);
  return { code, out: written.out(), err: written.err() };
}

function rollout(name: string, strategy = '{ canary: { steps: [{ setWeight: 20 }, { pause: {} }] } }'): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: "${name}", namespace: shop }
spec:
  replicas: 5
  selector: { matchLabels: { app: cart } }
  template: { metadata: { labels: { app: cart } } }
  strategy: ${strategy}
`;
}

describe('rollgate simulate', () => {
  it('prints what docs/simulate.md shows', async () => {
    const { code, out, err } = await simulate({ 'cart.yaml': MANIFEST }, 'cart.yaml', '--abort-at', '6');
    expect([code, err]).toEqual([0, '']);
    expect(`$ rollgate simulate cart.yaml --abort-at 6\n${out}`).toBe(SHOWN);
  });

  it('draws docs/simulate.svg', async () => {
    const args = ['cart.yaml', '--abort-at', '6', '-o', 'svg'];
    const { code, out } = await simulate({ 'cart.yaml': MANIFEST }, ...args);
    expect(code).toBe(0);
    await expect(out).toMatchFileSnapshot(join(ROOT, 'docs/simulate.svg'));
  });

  it('draws for light and dark, with a description that says what the bars show', async () => {
    const { out } = await simulate({ 'cart.yaml': MANIFEST }, 'cart.yaml', '-o', 'svg');
    expect(out).toContain('@media (prefers-color-scheme: dark)');
    expect(out).toContain('role="img" aria-labelledby="title description"');
    expect(out).toContain('Step 2, setWeight 20: 20 % of the requests to canary, 1 canary and 10 stable pods.');
    // What is not a browser knows no CSS variables, and draws all of them black.
    expect(out).not.toContain('var(');
    expect(out).not.toMatch(/href|url\(|<(?:script|image|foreignObject)/);
  });

  it('prints the same as data', async () => {
    const { code, out } = await simulate({ 'cart.yaml': MANIFEST }, 'cart.yaml', '-o', 'json');
    expect(code).toBe(0);
    const { timelines } = JSON.parse(out) as { timelines: readonly { readonly stages: readonly object[] }[] };
    expect(timelines).toHaveLength(1);
    expect(timelines[0]?.stages).toHaveLength(
      (parse(MANIFEST.split('---')[0] ?? '') as Spec).spec.strategy.canary.steps.length + 3,
    );
    expect(timelines[0]?.stages[2]).toMatchObject({
      step: 2,
      title: 'setWeight 20',
      weight: 20,
      pods: { canary: 1, stable: 10, experiment: 0 },
      traffic: { canary: 0.2, stable: 0.8, experiment: 0 },
    });
  });

  it('shows all Rollouts, or the one that is named', async () => {
    const files = { 'a.yaml': rollout('cart'), 'b.yaml': rollout('pay') };
    expect((await simulate(files, '.')).out).toMatch(/^Rollout shop\/cart: [^]*^Rollout shop\/pay: /m);
    const one = await simulate(files, '.', '--rollout', 'pay');
    expect([one.code, one.out]).toEqual([0, expect.not.stringContaining('shop/cart')]);
    expect(await simulate(files, '.', '--rollout', 'cat')).toEqual({
      code: 2,
      out: '',
      err: 'rollgate simulate: --rollout: there is no Rollout "cat": use "cart" or "pay"\n',
    });
  });

  it('shows both bounds of an autoscaler, or the number that is given', async () => {
    const target = 'scaleTargetRef: { apiVersion: argoproj.io/v1alpha1, kind: Rollout, name: cart }';
    const scaler = `apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: web, namespace: shop }\nspec: { minReplicas: 2, maxReplicas: 8, ${target} }\n`;
    const files = { 'a.yaml': rollout('cart'), 'b.yaml': scaler };
    const { out } = await simulate(files, '.');
    expect(out).toContain('Rollout shop/cart: canary, 2 replicas (the least of HorizontalPodAutoscaler\n  "web")');
    expect(out).toContain('Rollout shop/cart: canary, 8 replicas (the most of HorizontalPodAutoscaler\n  "web")');
    const given = await simulate(files, '.', '--replicas', '3');
    expect(given.out.match(/^Rollout .*/gm)).toEqual(['Rollout shop/cart: canary, 3 replicas (--replicas)']);
  });

  it.each([
    [['--replicas', 'many'], '--replicas: "many" is not a whole number from 0 to 2147483647'],
    [['--replicas', '-1'], '--replicas: "-1" is not a whole number from 0 to 2147483647'],
    [['--abort-at', '0'], '--abort-at: "0" is not a whole number from 1 to 2147483647'],
    [['--abort-at', '1.5'], '--abort-at: "1.5" is not a whole number from 1 to 2147483647'],
    [['--abort-at', '3'], 'Rollout "cart": there is no step 3: use 1 to 2'],
    [
      ['--replicas', '9000000'],
      'Rollout "cart": the update takes more than 100000 reconciliations: use fewer replicas, or a higher maxSurge',
    ],
    [['--rollouts-version', 'new'], '--rollouts-version: "new" is not a version: use one such as 1.10 or 1.10.2'],
    [['absent.yaml'], 'absent.yaml: no such file or directory'],
  ])('refuses %j', async (args, line) => {
    const strategy = '{ canary: { maxSurge: 1, maxUnavailable: 0, steps: [{ setWeight: 20 }, { pause: {} }] } }';
    const { code, err } = await simulate({ 'a.yaml': rollout('cart', strategy) }, 'a.yaml', ...args);
    expect([code, err]).toEqual([2, `rollgate simulate: ${line}\n`]);
  });

  it('says that there is no Rollout, and what cannot be read', async () => {
    expect(await simulate({ 'a.yaml': service('cart') }, 'a.yaml')).toEqual({
      code: 2,
      out: '',
      err: 'rollgate simulate: there is no Rollout in the manifests\n',
    });
    const broken = await simulate({ 'a.yaml': rollout('cart'), 'b.yaml': 'a: [1\nb: 2' }, 'a.yaml', 'b.yaml');
    expect([broken.code, broken.out]).toEqual([2, expect.stringContaining('Rollout shop/cart')]);
    expect(broken.err).toMatch(/^rollgate simulate: b\.yaml:2:1: /);
  });

  it('does as the version that is named', async () => {
    const strategy = '{ canary: { minPodsPerReplicaSet: 9, trafficRouting: { smi: {} }, steps: [{ setWeight: 20 }] } }';
    const canary = async (version: string): Promise<unknown> => {
      const args = ['a.yaml', '-o', 'json', '--rollouts-version', version];
      const { out } = await simulate({ 'a.yaml': rollout('cart', strategy) }, ...args);
      const { timelines } = JSON.parse(out) as { timelines: { stages: { pods: { canary: number } }[] }[] };
      return timelines[0]?.stages[1]?.pods.canary;
    };
    expect([await canary('1.9'), await canary('1.10')]).toEqual([9, 5]);
  });

  it('fits a terminal of 80 columns', async () => {
    const steps = [
      '{ setCanaryScale: { matchTrafficWeight: true } }',
      `{ setHeaderRoute: { name: ${'long-'.repeat(20)}, match: [{ headerName: ${'header-'.repeat(9)}, headerValue: { exact: a } }] } }`,
      '{ pause: { duration: 100h59m59s } }',
      '{ experiment: { templates: [{ name: a, specRef: canary, replicas: 20 }] } }',
      '{ plugin: { name: a/b } }',
    ];
    const strategy = `{ canary: { maxSurge: 100%, trafficRouting: { maxTrafficWeight: 1000, smi: {} }, steps: [${steps.join(', ')}] } }`;
    const { out } = await simulate(
      { 'a.yaml': rollout('cart', strategy) },
      'a.yaml',
      '--replicas',
      '9000',
      '--abort-at',
      '4',
    );
    expect(out).toContain('pause 4d4h');
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('says of a header route that it goes to the canary, or that the controller removes it', async () => {
    const route = '{ setHeaderRoute: { name: h, match: [{ headerName: x, headerValue: { exact: a } }] } }';
    const strategy = `{ canary: { trafficRouting: { smi: {} }, steps: [${route}, { setWeight: 20 }, ${route}, { pause: {} }] } }`;
    const { out } = await simulate({ 'a.yaml': rollout('cart', strategy) }, 'a.yaml');
    expect(out).toContain('step 1: the controller removes the route at once: the canary has no pods\n');
    expect(out).toContain('step 3: requests with header x go to the canary, whatever the weight\n');
  });

  it('says once that there are no pods', async () => {
    const strategy = '{ canary: { steps: [{ setWeight: 20 }, { pause: {} }, { setWeight: 40 }, { pause: {} }] } }';
    const { out } = await simulate({ 'a.yaml': rollout('cart', strategy) }, 'a.yaml', '--replicas', '0');
    expect(out).toContain('A person must promote at steps 2 and 4.\n');
    expect(out.match(/^.*: .*$/gm)?.slice(1)).toEqual([
      'steps 1-4, before, promotion: there are no pods, so all requests fail',
    ]);
  });

  it('says that old pods stay if the delay is 0', async () => {
    const strategy = '{ blueGreen: { activeService: a, scaleDownDelaySeconds: 0 } }';
    const { out } = await simulate({ 'a.yaml': rollout('cart', strategy) }, 'a.yaml');
    expect(out).toContain('promotion: the old pods stay: a delay of 0 means no scale-down\n');
  });

  it('writes no markup and no control characters of a manifest', async () => {
    const strategy = '{ canary: { steps: [{ plugin: { name: "</text><script>alert(1)</script>\\u001b[31m" } }] } }';
    const files = { 'a.yaml': rollout('a<b&\\"c', strategy) };
    const { out } = await simulate(files, 'a.yaml', '-o', 'svg');
    expect(out).toContain('a&lt;b&amp;&quot;c');
    expect(out).toContain('&lt;/text&gt;&lt;scrip');
    expect(out).not.toContain('<script');
    expect([out, (await simulate(files, 'a.yaml')).out].join('')).not.toContain('\u001b');
  });
});

interface Spec {
  readonly spec: { readonly strategy: { readonly canary: { readonly steps: readonly unknown[] } } };
}
