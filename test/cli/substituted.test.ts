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
  const ENVSUBST = 'envsubst < FILE | rollgate lint -';
  it.each([
    ['${REPLICAS}', ENVSUBST],
    ['${REPLICAS:=3}', ENVSUBST],
    ['"${REPLICAS:-3}"', ENVSUBST],
    ['"1${ZEROS} "', ENVSUBST],
    ['$REPLICAS', ENVSUBST],
    ['$(REPLICAS)', 'kustomize build DIRECTORY | rollgate lint -'],
  ])('%s for a number is no error, and one line says so', async (replicas, command) => {
    const note = `rollgate lint: skipped what is substituted later (web.yaml:5): ${command}\n`;
    for (const path of ['web.yaml', '.']) {
      const { code, out, err } = await lint(rollout(replicas, STEPS), path);
      expect(out).toContain('✔ 1 object, no problems');
      expect([code, err]).toEqual([0, note]);
    }
  });

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

  it.each([
    'a $REPLICAS',
    '$REPLICAS:',
    '$',
    'REPLICAS',
    '$(date +%s)',
    '${}',
    '{{args.replicas}} ${',
    '{{args.replicas}}${X}',
    'a ${X}',
  ])('%s is none, and an error', async (replicas) => {
    const { code, err } = await lint(rollout(JSON.stringify(replicas), STEPS));
    expect([code, err]).toEqual([1, '']);
  });

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

  function template(provider: string, more = ''): string {
    return `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: { name: smoke }
spec:
  args: [{ name: service }]
  metrics:
    - name: errors
      successCondition: result[0] < 1
      ${more}
      provider: ${provider}
`;
  }

  function job(args: string): string {
    const container = `{ name: curl, image: curl, env: [{ name: HOST, value: x }], args: [${args}] }`;
    const job = template(
      `{ job: { spec: { template: { spec: { restartPolicy: Never, containers: [${container}] } } } } }`,
    );
    return job.replace('successCondition: result[0] < 1', '');
  }

  it.each([
    ['for Kubernetes, in a Job', job('"--url=$(HOST)/{{args.servic}}"')],
    ['for a shell, in a Job', job('"curl ${HOST}/{{args.servic}}"')],
    ['in a query', template(`{ prometheus: { address: 'http://p', query: 'x{ns="\${NS}",svc="{{args.servic}}"}' } }`)],
    [
      'of Kustomize in a query',
      template(`{ prometheus: { address: 'http://p', query: 'x{ns="$(NS)",svc="{{args.servic}}"}' } }`),
    ],
  ])('leave placeholders beside them: %s', async (_, text) => {
    const { code, out, err } = await lint(text);
    expect(out).toContain('does not declare argument "servic"');
    expect([code, err]).toEqual([1, '']);
  });

  it.each([
    ['$(COMMAND)', 1],
    ['${COMMAND}', 0],
  ])('are not of Kustomize where Kubernetes replaces them: %s for a command', async (command, expected) => {
    const { code } = await lint(rollout('3', STEPS).replace('image: web }', `image: web, command: "${command}" }`));
    expect(code).toBe(expected);
  });

  it('are skipped inside of a placeholder', async () => {
    const { out, err } = await lint(template(`{ prometheus: { address: 'http://p', query: 'x{{args.\${ARG}}}' } }`));
    expect(out).not.toContain('does not declare');
    expect(err).toContain(ENVSUBST);
  });

  it.each([
    ['ftp://prometheus/${PATH}', 1],
    ['http://prometheus :80/${PATH}', 1],
    ['http://${HOST}:${PORT}/${PATH}', 0],
    ['http${S}://prometheus', 0],
    ['${URL}', 0],
    ['${URL}/api', 0],
  ])('%s is a wrong address only if it is wrong around them', async (address, expected) => {
    const { code } = await lint(template(`{ prometheus: { address: '${address}', query: 'x{{args.service}}' } }`));
    expect(code).toBe(expected);
  });

  it('of which two are the same name are the same name', async () => {
    const { out } = await lint(
      rollout('3', STEPS).replace(
        '[{ name: web, image: web }]',
        '[{ name: ${A}, image: a }, { name: ${A}, image: b }]',
      ),
    );
    expect(out).toContain('two containers are named "${A}"');
  });

  it.each([
    ['labels: { app: web, ${PREFIX}/team: x }', 0],
    ['labels: { ${KEY}: web }', 0],
    ['labels: { app: web, ${KEY}: "a b" }', 1],
    ['labels: { app: web, "a b": ${VALUE} }', 1],
  ])('of a pod template: %s', async (labels, expected) => {
    const text = rollout('3', STEPS).replace('labels: { app: web }', labels);
    expect((await lint(text)).code).toBe(expected);
  });

  it('are labels of the pod of a Job too', async () => {
    const labelled = (labels: string): Promise<{ code: number }> =>
      lint(job('"{{args.service}}"').replace('template: { spec', `template: { metadata: { labels: ${labels} }, spec`));
    expect((await labelled('{ ${PREFIX}/team: x }')).code).toBe(0);
    expect((await labelled('{ team: "a b" }')).code).toBe(1);
  });

  it.each([
    ['{ ${KEY}: web }', 0],
    ['{ ${KEY}: "a b" }', 1],
    ['{ app: ${APP} }', 0],
    ['{ app: $APP }', 1],
  ])('of a selector: %s', async (matchLabels, expected) => {
    const text = rollout('3', STEPS).replace('matchLabels: { app: web }', `matchLabels: ${matchLabels}`);
    expect((await lint(text)).code).toBe(expected);
  });

  const WITH_ANALYSIS =
    '\n        - analysis: { templates: [{ templateName: smoke }], args: [{ name: service, value: a }] }';
  it.each([
    ['interval: 1m, count: ${COUNT}', '', 0],
    ['interval: 1m, count: $COUNT', '', 0],
    ['interval: "${INTERVAL}"', '', 0],
    ['interval: 1m, count: "{{args.count}}"', ', { name: count, value: "${COUNT}" }', 0],
    ['interval: 1m, count: "{{args.count}}"', ', { name: count, value: "0" }', 1],
    ['interval: 1m', '', 1],
  ])('decide whether an analysis ends: %s', async (limits, args, expected) => {
    const metric = template(`{ prometheus: { address: 'http://p', query: 'x{{args.service}}' } }`)
      .replace('- name: errors', `- name: errors\n      ${limits.replace(', ', '\n      ')}`)
      .replace('args: [{ name: service }', `args: [{ name: service }${args}`);
    expect((await lint(rollout('3', WITH_ANALYSIS, `---\n${metric}`))).code).toBe(expected);
  });

  it.each([
    ['maxSurge: 0, maxUnavailable: ${MAX}', 0],
    ['maxSurge: $SURGE, maxUnavailable: 0', 0],
    ['maxSurge: 0, maxUnavailable: 0, stableMetadata: { labels: { a: ${A} } }', 1],
    ['trafficRouting: { maxTrafficWeight: ${MAX}, nginx: { stableIngress: web } }, steps: [{ setWeight: 120 }]', 0],
    ['steps: [{ pause: { duration: $PAUSE } }]', 0],
    ['steps: [{ pause: { duration: a $PAUSE } }]', 1],
  ])('are compared with other numbers: %s', async (canary, expected) => {
    const services = 'stableService: web, canaryService: web-canary';
    const text = rollout('3', STEPS).replace(/canary:\n[^]*?(?= {2}selector)/, `canary: { ${services}, ${canary} }\n`);
    expect((await lint(text)).code).toBe(expected);
  });

  it.each([
    ['interval: $INTERVAL', 0],
    ['initialDelay: $DELAY', 0],
    ['interval: a$INTERVAL', 1],
  ])('are durations of a metric: %s', async (limit, expected) => {
    const metric = template(`{ prometheus: { address: 'http://p', query: 'x{{args.service}}' } }`, limit);
    expect((await lint(metric)).code).toBe(expected);
  });

  it.each([
    ['result[0] > ${MIN}', 0],
    ['result[0] => ${MIN}', 1],
    ['result[0] > 1 ) && result[0] < ${MAX}', 1],
    ['result[0] > ${MIN} =>', 0],
    ['${FIELD} => 1', 0],
  ])('hide no mistake before them in a condition: %s', async (condition, expected) => {
    const metric = template(`{ prometheus: { address: 'http://p', query: 'x{{args.service}}' } }`).replace(
      'result[0] < 1',
      `'${condition}'`,
    );
    expect((await lint(metric)).code).toBe(expected);
  });

  it('are the history of a Rollout, or its deadline', async () => {
    const text = rollout('3', STEPS).replace(
      'replicas: 3',
      'minReadySeconds: 700\n  progressDeadlineSeconds: ${DEADLINE}\n  revisionHistoryLimit: $HISTORY',
    );
    expect((await lint(text)).code).toBe(0);
  });

  it.each([
    ['${LIMIT}', 0],
    ['0', 1],
  ])('is a consecutiveSuccessLimit of %s without a failureLimit', async (limit, expected) => {
    const limits = `interval: 1m\n      count: 5\n      failureLimit: -1\n      consecutiveSuccessLimit: ${limit}`;
    const { code } = await lint(
      template(`{ prometheus: { address: 'http://p', query: 'x{{args.service}}' } }`, limits),
    );
    expect(code).toBe(expected);
  });

  it('are names of fields', async () => {
    const { out, err } = await lint(rollout('3', STEPS).replace('replicas: 3', '${FIELD}: 3'));
    expect(out).toContain('no problems');
    expect(err).toContain(ENVSUBST);
  });
});
