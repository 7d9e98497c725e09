import { describe, expect, it } from 'vitest';
import { readManifests } from '../../src/commands/files.ts';
import { runLint } from '../../src/commands/lint.ts';
import { at } from '../../src/world/path.ts';
import { main } from '../../src/program.ts';
import { directory, io } from './support.ts';

async function lint(text: string, path = 'web.yaml'): Promise<{ code: number; out: string; err: string }> {
  const written = io(directory({ 'web.yaml': text }));
  const code = await runLint({ paths: [path] }, written);
  return { code, out: written.out(), err: written.err() };
}

function rollout(replicas: string, steps: string, rest = ''): string {
  return `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: web }
spec:
  replicas: ${replicas}
  strategy:
    canary:
      steps: ${steps}
  selector: { matchLabels: { app: web } }
  template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: web, image: web }] } }
${rest}`;
}

const STEPS = '\n        - setWeight: 20';

describe('values that envsubst, Flux or Kustomize substitute later', () => {
  it.each([['${REPLICAS}'], ['${REPLICAS:=3}'], ['"${REPLICAS:-3}"'], ['$(REPLICAS)']])(
    '%s for a number is no error, and one line says so',
    async (replicas) => {
      const note = 'rollgate lint: skipped what is substituted later (web.yaml:5): envsubst < FILE | rollgate lint -\n';
      for (const path of ['web.yaml', '.']) {
        const { code, out, err } = await lint(rollout(replicas, STEPS), path);
        expect(out).toContain('✔ 1 object, no problems');
        expect([code, err]).toEqual([0, note]);
      }
    },
  );

  it('inside of brackets are read, as envsubst does not know YAML', async () => {
    const { code, out, err } = await lint(
      rollout('3', '[{ setWeight: ${WEIGHT} }, { pause: { duration: ${PAUSE:-5m} } }]'),
    );
    expect(out).toContain('✔ 1 object, no problems');
    expect([code, err]).toEqual([0, expect.stringContaining('substituted later (web.yaml:8): envsubst')]);
  });

  it('inside of brackets stay as they are written', async () => {
    const text = rollout('3', '[{ setWeight: ${WEIGHT} }]').replace(
      'name: web }',
      'name: ${NAME}-${ENV}, name: ${NAME} }',
    );
    const { manifests } = await readManifests(['web.yaml'], io(directory({ 'web.yaml': text })));
    expect(manifests.objects.map(({ object }) => object)).toMatchObject([
      { metadata: { name: '${NAME}' }, spec: { strategy: { canary: { steps: [{ setWeight: '${WEIGHT}' }] } } } },
    ]);
    expect(manifests.duplicateKeys.map(({ object }) => object)).toEqual([manifests.objects[0]?.object]);
    expect(manifests.objects[0]?.position(['spec', 'strategy', 'canary', 'steps', 0, 'setWeight'])).toEqual({
      line: 8,
      column: 17,
    });
  });

  it('inside of brackets are keys too, and stay as they are written', async () => {
    const text = rollout('3', '[{ setWeight: 20 }]').replace(
      'labels: { app: web }',
      'labels: { app: web }, annotations: { ${KEY}: a, ${TEAM}/x: b, ${KEY}: c }',
    );
    const { manifests } = await readManifests(['web.yaml'], io(directory({ 'web.yaml': text })));
    const [source] = manifests.objects;
    const path = ['spec', 'template', 'metadata', 'annotations'];
    expect(at(source?.object, path)).toEqual({ '${KEY}': 'c', '${TEAM}/x': 'b' });
    expect(manifests.duplicateKeys).toMatchObject([{ path: [...path, '${KEY}'], key: '${KEY}', line: 10 }]);
    const line = text.split('\n')[9] ?? '';
    expect(source?.position([...path, '${TEAM}/x'])).toEqual({ line: 10, column: line.indexOf('${TEAM}') + 1 });
    const { out } = await lint(text);
    expect(out).toContain('${KEY}');
    expect(out).not.toMatch(/[⟨⟩]/);
  });

  it('inside of brackets stay as they are in errors', async () => {
    const { out } = await lint(rollout('3', '[{ setWeight: ${WEIGHT} }]', '---\nkind: &${X} Rollout\na: *${Y}\n'));
    expect(out).toContain('${Y}');
    expect(out).not.toMatch(/[⟨⟩]/);
  });

  it('are converted as they are written', async () => {
    const text = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop, annotations: { \${KEY}: "\${VALUE}" } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      nodeSelector: { \${POOL}: "true", zone: \${ZONE} }
      containers: [{ name: web, image: \${IMAGE} }]
`;
    const written = io(directory({ 'web.yaml': text }));
    await main(['convert', 'web.yaml'], written);
    expect(written.out()).toContain('        ${POOL}: "true"\n        zone: ${ZONE}\n');
    expect(written.out()).toContain('image: ${IMAGE}\n');
    expect(written.out() + written.err()).not.toMatch(/[⟨⟩]/);
    const labelled = io(directory({ 'web.yaml': text.replaceAll('app: web', '${KEY}: web') }));
    await main(['convert', 'web.yaml'], labelled);
    expect(labelled.out() + labelled.err()).not.toMatch(/[⟨⟩]/);
  });

  it('are many, of which three are named', async () => {
    const steps = [1, 2, 3, 4].map((step) => `\n        - setWeight: \${WEIGHT_${step}}`).join('');
    expect((await lint(rollout('3', steps))).err).toContain(
      'later (web.yaml:9, web.yaml:10, web.yaml:11 and 1 more): envsubst',
    );
  });

  it('leave all other mistakes of the file', async () => {
    const { code, out, err } = await lint(
      rollout('${REPLICAS}', '\n        - setWeight: 120\n        - pause: { duration: ${PAUSE} }'),
    );
    expect(code).toBe(1);
    expect(out).toContain('web.yaml\n  9:11  error  step 1 sets weight 120: use 0 to 100  rollout-steps\n');
    expect(out).toContain('✖ 1 problem');
    expect(err).toContain('web.yaml:5, web.yaml:10');
  });

  it.each(['$REPLICAS', '$', 'REPLICAS', '$(date +%s)', '${}', '{{args.replicas}} ${'])(
    '%s is none, and an error',
    async (replicas) => {
      const { code, err } = await lint(rollout(JSON.stringify(replicas), STEPS));
      expect([code, err]).toEqual([1, '']);
    },
  );

  it('leave what is wrong with the name of a field', async () => {
    const { out, err } = await lint(rollout('3', STEPS).replace('replicas: 3', 'replica: ${REPLICAS}'));
    expect(out).toContain('unknown-field');
    expect(err).toBe('');
  });

  it('do not make a broken file a good one', async () => {
    const { code, out } = await lint(rollout('${REPLICAS}', STEPS, 'a: [1\nb: 2'));
    expect(code).toBe(2);
    expect(out).toContain('error');
  });
});
