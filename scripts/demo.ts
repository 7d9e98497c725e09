import { globSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { dirname, join } from 'node:path';
import { styleText } from 'node:util';
import { serve } from '../src/commands/serve/serve.ts';
import type { DryRunAnswer } from '../src/admission/dryrun.ts';
import type { AdmissionResponse } from '../src/admission/response.ts';
import { KINDS, kindOf, keyOf, namespaceOf, type KubeObject } from '../src/world/object.ts';
import { parseManifests, placeObjects } from '../src/world/manifests.ts';

// Sends the examples through a running Rollgate: each object as the AdmissionReview that an API server would send, each
// bundle through the dry run.

const EXAMPLES = join(import.meta.dirname, '..', 'examples');
const CONTROLLER = join(EXAMPLES, 'controller');
const DEVELOPER = 'developer@example.com';

const bold = (text: string): string => styleText('bold', text);
const VERDICTS = {
  keep: styleText('cyan', 'keep '),
  deny: styleText('red', 'deny '),
  warn: styleText('yellow', 'warn '),
  allow: styleText('green', 'allow'),
};

interface Rollgate {
  post(path: string, body: string, type: string): Promise<unknown>;
  stop(): Promise<void>;
}

async function rollgate(manifests: readonly string[]): Promise<Rollgate> {
  const running = await serve({
    manifests,
    port: 0,
    healthPort: 0,
    logLevel: 'error',
    maxInFlight: 100,
    tlsMinVersion: '1.3',
  });
  // The certificate was made a moment ago by this very process.
  const agent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  return {
    post: (path, body, type) =>
      new Promise((resolve, reject) => {
        const request = https.request(
          { agent, host: '127.0.0.1', port: running.port, path, method: 'POST', headers: { 'content-type': type } },
          (response) => {
            const chunks: Buffer[] = [];
            response
              .on('data', (chunk: Buffer) => chunks.push(chunk))
              .on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
          },
        );
        request.on('error', reject).end(body);
      }),
    async stop() {
      agent.destroy();
      await running.stop();
    },
  };
}

function objectsIn(file: string): KubeObject[] {
  return placeObjects(parseManifests(readFileSync(file, 'utf8'), file).objects).sources.map(({ object }) => object);
}

async function review(
  gate: Rollgate,
  path: '/mutate' | '/validate',
  object: KubeObject,
  old: KubeObject | undefined,
): Promise<AdmissionResponse> {
  const kind = kindOf(object);
  const request = {
    uid: crypto.randomUUID(),
    kind: {
      group: kind === undefined ? '' : KINDS[kind].group,
      version: object.apiVersion.split('/').at(-1),
      kind: object.kind,
    },
    resource: {
      group: kind === undefined ? '' : KINDS[kind].group,
      resource: kind === undefined ? '' : KINDS[kind].plural,
    },
    name: object.metadata.name,
    namespace: namespaceOf(object),
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    userInfo: { username: DEVELOPER, groups: ['system:authenticated'] },
    object,
    oldObject: old ?? null,
    dryRun: false,
  };
  const answer = (await gate.post(
    `${path}?timeout=5s`,
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }),
    'application/json',
  )) as { response: AdmissionResponse };
  return answer.response;
}

function show(object: KubeObject, response: AdmissionResponse): void {
  const verdict = !response.allowed
    ? 'deny'
    : response.patch !== undefined
      ? 'keep'
      : (response.warnings ?? []).length > 0
        ? 'warn'
        : 'allow';
  console.log(`  ${VERDICTS[verdict]} ${object.kind} ${namespaceOf(object)}/${object.metadata.name}`);
  for (const cause of response.status?.details?.causes ?? [])
    console.log(`        ${cause.field === '' ? '' : `${cause.field}: `}${cause.message}`);
  for (const warning of response.warnings ?? []) console.log(`        Warning: ${warning}`);
}

async function bundle(folder: string, empty: Rollgate): Promise<void> {
  const files = globSync('*.yaml', { cwd: join(EXAMPLES, folder) }).sort();
  console.log(`\n${bold(folder)}`);
  const gate = await rollgate([CONTROLLER, join(EXAMPLES, folder)]);
  for (const file of files) {
    for (const object of objectsIn(join(EXAMPLES, folder, file))) {
      const kind = kindOf(object);
      if (kind !== undefined && !['Namespace', 'ConfigMap', 'ServiceAccount'].includes(kind))
        show(object, await review(gate, '/validate', object, undefined));
    }
  }
  await gate.stop();

  const starts: { file: string; line: number }[] = [];
  let text = '';
  for (const file of files) {
    starts.push({ file, line: text.split('\n').length });
    text += `${readFileSync(join(EXAMPLES, folder, file), 'utf8')}\n---\n`;
  }
  const answer = (await empty.post('/v1/dry-run', text, 'application/yaml')) as DryRunAnswer;
  console.log(`  dry run: ${answer.verdict === 'deny' ? VERDICTS.deny : VERDICTS.allow}`);
  for (const finding of answer.findings) {
    const start = starts.findLast(({ line }) => line <= (finding.line ?? 1));
    const place = `examples/${folder}/${start?.file ?? ''}:${(finding.line ?? 1) - (start?.line ?? 1) + 1}:${finding.column ?? 1}`;
    console.log(`        ${place}  ${VERDICTS[finding.decision]} ${finding.message}: ${finding.fix}  ${finding.rule}`);
  }
  for (const { rule, reason } of answer.skipped)
    console.log(styleText('dim', `        not judged: ${rule}: ${reason}`));
}

async function reapply(folder: string): Promise<void> {
  const at = (name: string): string => join(EXAMPLES, folder, name);
  console.log(`\n${bold(`${folder}, applied again`)}`);
  const gate = await rollgate([CONTROLLER, at('cluster.yaml')]);
  const stored = objectsIn(at('cluster.yaml'));
  for (const object of objectsIn(at('applied.yaml'))) {
    const old = stored.find((candidate) => keyOf(candidate) === keyOf(object));
    const response = await review(gate, '/mutate', object, old);
    show(object, response);
    for (const operation of JSON.parse(Buffer.from(response.patch ?? 'W10=', 'base64').toString()) as {
      op: string;
      path: string;
      value: unknown;
    }[]) {
      console.log(styleText('dim', `        ${operation.op} ${operation.path} ${JSON.stringify(operation.value)}`));
    }
  }
  await gate.stop();
}

const folders = (name: string): string[] => globSync(`**/${name}`, { cwd: EXAMPLES }).map(dirname).sort();

const empty = await rollgate([CONTROLLER]);
for (const folder of folders('expected.json')) await bundle(folder, empty);
for (const folder of folders('stored.yaml')) await reapply(folder);
await empty.stop();
console.log(
  '\nAll of this went through the HTTPS endpoints of Rollgate on 127.0.0.1. What it checks is in docs/rules/. Yours: node dist/cli.js lint PATH',
);
