import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { main } from '../../src/program.ts';
import { dig } from '../../src/world/read.ts';
import { directory, io } from './support.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

async function run(
  args: readonly string[],
  cwd = EXAMPLES,
): Promise<{ code: number | undefined; out: string; err: string }> {
  const written = io(cwd);
  const code = await main(['convert', ...args], written);
  return { code, out: written.out(), err: written.err() };
}

const deployment = (name: string, spec = '', annotations = ''): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: "${name}", namespace: shop, annotations: { ${annotations} } }
spec:
  replicas: 3
  ${spec}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: web, image: "web:1" }] }
`;

describe('rollgate convert', () => {
  it('prints the objects that would exist', async () => {
    const { code, out, err } = await run([
      '-f',
      'workloadref-skywalking/as-written/bookinfo.yaml',
      'workloadref-skywalking/as-written/analysis.yaml',
      '--profile',
      'istio-subsets',
      '--policy',
      'conversion/rollgate.yaml',
    ]);
    expect([code, err]).toEqual([0, '']);
    const [stays, rollout, ...more] = parseAllDocuments(out).map((document) => document.toJS() as unknown);
    expect(more).toEqual([]);
    expect(dig(stays, 'metadata', 'annotations')).toEqual({
      'rollgate.io/convert': 'istio-subsets',
      'rollgate.io/replicas': '5',
    });
    expect(dig(stays, 'spec', 'replicas')).toBe(0);
    expect(dig(rollout, 'metadata', 'name')).toBe('reviews-rollout');
    expect(dig(rollout, 'spec', 'replicas')).toBe(5);
    expect(out).toContain('value: canary|reviews|bookinfo|cluster-1|-');
  });

  it('prints no annotation that only a cluster can give', async () => {
    const exported = '"rollgate.io/convert": canary, "rollgate.io/replicas": "4", "rollgate.io/conversion-policy": p/b';
    const folder = directory({ 'a.yaml': deployment('a', '', exported) });
    const { code, out } = await run(['-f', '.'], folder);
    const [stays] = parseAllDocuments(out).map((document) => document.toJS() as unknown);
    expect([code, dig(stays, 'metadata', 'annotations')]).toEqual([
      0,
      { 'rollgate.io/convert': 'canary', 'rollgate.io/replicas': '3' },
    ]);
  });

  it('reports what cannot be converted, and invalid profiles', async () => {
    const folder = directory({ 'a.yaml': deployment('a', 'strategy: { type: Recreate }') });
    expect(await run(['-f', '.'], folder)).toMatchObject({
      code: 1,
      out: '',
      err: 'rollgate convert: Deployment shop/a cannot be converted: its strategy is Recreate: a Rollout runs old and new pods at the same time\n',
    });
    expect(await run(['-f', '.', '--profile', 'blue-gren'], folder)).toEqual({
      code: 2,
      out: '',
      err: 'rollgate convert: --profile: profile "blue-gren" not found (available: blue-green, canary): use "blue-green"\n',
    });
  });

  it('makes no Rollout that refers to another namespace', async () => {
    const profile = (name: string): string =>
      `{ strategy: { canary: { stableService: a, canaryService: b, trafficRouting: { istio: { virtualService: { name: "${name}" } } } } } }`;
    const folder = directory({
      'dotted.yaml': deployment('payments.team-b', '', '"rollgate.io/convert": mesh'),
      'plain.yaml': deployment('plain', '', '"rollgate.io/convert": literal'),
      'rollgate.yaml': `profiles: { mesh: ${profile('{name}')}, literal: ${profile('reviews.other')} }`,
    });
    const { code, out, err } = await run(
      ['-f', 'dotted.yaml', '-f', 'plain.yaml', '--policy', 'rollgate.yaml'],
      folder,
    );
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(
      'Deployment shop/payments.team-b cannot be converted: profile "mesh" puts the name "payments.team-b"',
    );
    expect(err).toContain('add {rollouts: shop, objects: other} to trustedNamespaces of the policy');
    const plan = await run(['--plan', 'plain.yaml', '--policy', 'rollgate.yaml'], folder);
    expect(plan.out).toContain('shop/plain  needs a fix first (profile literal)');
  });

  it('plans the conversion of a folder', async () => {
    const files = {
      'plain.yaml': deployment('plain'),
      'recreate.yaml': deployment('recreate', 'strategy: { type: Recreate }'),
      'off.yaml': deployment('off', '', '"rollgate.io/convert": "off"'),
      'done.yaml': deployment(
        'done',
        '',
        '"rollgate.io/convert": canary, "rollgate.io/replicas": "3", "rollgate.io/rollout-uid": r',
      ),
      'wrong.yaml': deployment('wrong', '', '"rollgate.io/convert": canry'),
      'hpa.yaml':
        'apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: plain, namespace: shop }\nspec: { minReplicas: 5, maxReplicas: 9, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: plain } }\n',
    };
    const { code, out } = await run(['--plan', '.'], directory(files));
    expect(code).toBe(0);
    expect(out).toBe(`shop/done      is converted
shop/off       opted out of conversion
shop/plain     can be converted: Rollout "plain" with 5 pods (profile canary)
               - HorizontalPodAutoscaler "plain" targets the Deployment: set scaleTargetRef to apiVersion argoproj.io/v1alpha1, kind Rollout, name plain
shop/recreate  cannot be converted (profile canary)
               - its strategy is Recreate: a Rollout runs old and new pods at the same time
shop/wrong     needs a fix first (profile canry)
               - conversion profile "canry" not found (available: blue-green, canary): use "canary", or remove the annotation

1 of 5 Deployments can be converted
`);
    const json = JSON.parse((await run(['--plan', '.', '-o', 'json'], directory(files))).out) as {
      name: string;
      verdict: string;
    }[];
    expect(json.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'done converted',
      'off off',
      'plain yes',
      'recreate no',
      'wrong mistake',
    ]);
  });

  it('says for every Deployment why nothing is printed', async () => {
    const notes = '"rollgate.io/convert": canary, "rollgate.io/replicas": "3"';
    const folder = directory({
      'done.yaml': deployment('done', '', `${notes}, "rollgate.io/rollout-uid": r`),
      'off.yaml': deployment('off', '', '"rollgate.io/convert": "off"'),
      'back.yaml': deployment('back', '', '"rollgate.io/replicas": "3", "rollgate.io/rollout-uid": r'),
      'late.yaml': deployment('late', '', `${notes}, "rollgate.io/convert-suspended": "refused: quota"`),
    });
    const said = [
      'rollgate convert: Deployment shop/back is being converted back to a plain Deployment',
      'rollgate convert: Deployment shop/done is converted',
      'rollgate convert: Deployment shop/late is not converted yet: its conversion is suspended (profile canary): refused: quota',
      'rollgate convert: Deployment shop/off opted out of conversion',
      '',
    ].join('\n');
    expect(await run(['-f', '.'], folder)).toEqual({ code: 1, out: '', err: said });
    const plan = JSON.parse((await run(['--plan', '.', '-o', 'json'], folder)).out) as {
      name: string;
      verdict: string;
    }[];
    expect(plan.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'back back',
      'done converted',
      'late suspended',
      'off off',
    ]);
    expect(await run(['-f', '.', '--profile', 'off'], folder)).toEqual({
      code: 2,
      out: '',
      err: 'rollgate convert: --profile: "off" is not a profile\n',
    });
  });

  it('reports Deployments that conflict with each other', async () => {
    const policy = `
profiles:
  fixed: { rollout: shared, strategy: { canary: {} } }
  one-service: { strategy: { blueGreen: { activeService: front } } }
`;
    const front =
      'apiVersion: v1\nkind: Service\nmetadata: { name: front, namespace: shop }\nspec: { selector: { tier: front }, ports: [{ port: 80 }] }\n';
    const [a = '', b = ''] = ['a', 'b'].map((name) =>
      deployment(name).replace(`labels: { app: ${name} }`, `labels: { app: ${name}, tier: front }`),
    );
    const folder = directory({ 'policy.yaml': policy, 'm/a.yaml': a, 'm/b.yaml': b, 'm/front.yaml': front });
    const plan = async (profile: string): Promise<unknown[]> =>
      JSON.parse(
        (await run(['--plan', 'm', '-o', 'json', '--policy', 'policy.yaml', '--profile', profile], folder)).out,
      ) as unknown[];
    expect(await plan('fixed')).toMatchObject([
      { name: 'a', verdict: 'yes' },
      { name: 'b', verdict: 'mistake', reasons: [expect.stringContaining('Rollout "shared" already exists')] },
    ]);
    expect(await plan('one-service')).toMatchObject([
      { name: 'a', verdict: 'yes' },
      { name: 'b', verdict: 'mistake', reasons: [expect.stringContaining('Service "front"')] },
    ]);
    const printed = await run(['-f', 'm', '--policy', 'policy.yaml', '--profile', 'fixed'], folder);
    expect(parseAllDocuments(printed.out)).toHaveLength(2);
  });

  it('uses the profile of the namespace', async () => {
    const namespace =
      'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop, labels: { rollgate.io/convert: blue-green } }\n';
    const { out } = await run(['--plan', '.'], directory({ 'n.yaml': namespace, 'a.yaml': deployment('a') }));
    expect(out).toContain('(profile blue-green)');
  });

  it('fails if there is no Deployment, or if no files are named', async () => {
    expect((await run(['--plan', 'controller/../blue-green'])).code).toBe(2);
    expect(await run([])).toMatchObject({
      code: 2,
      err: 'rollgate convert: no path given: name files or directories, or use --plan --cluster\n',
    });
    expect((await run(['--cluster'])).code).toBe(2);
    expect(await run(['--plan', 'absent.yaml'])).toEqual({
      code: 2,
      out: '',
      err: 'rollgate convert: absent.yaml: no such file or directory\n',
    });
  });
});
