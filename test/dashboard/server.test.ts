import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ownHosts, TOKEN_HEADER } from '../../src/dashboard/access.ts';
import { dashboard, type Dashboard } from '../../src/dashboard/app.ts';
import type { FileSource } from '../../src/dashboard/files.ts';
import { Judging, type JudgingOptions } from '../../src/dashboard/judging.ts';
import type { Answer, GivenFiles } from '../../src/dashboard/messages.ts';

const TOKEN = 'the-token';
const PAGE = new Map([
  ['index.html', { type: 'text/html', body: Buffer.from('<meta nonce="__NONCE__" files="__FILES__">') }],
  ['assets/main.js', { type: 'text/javascript', body: Buffer.from('main()') }],
]);

interface Started {
  readonly server: Server;
  readonly origin: string;
  readonly token: Readonly<Record<string, string>>;
  readonly dashboard: Dashboard;
}

const started: Started[] = [];
// Its thread takes a second to start.
let shared: Started;

async function start(options: JudgingOptions & { files?: FileSource } = {}): Promise<Started> {
  const parts = dashboard({ token: TOKEN, page: PAGE, judging: new Judging(options), files: options.files });
  const server = createServer(parts.app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const all = {
    server,
    origin: `http://127.0.0.1:${port}`,
    token: { [TOKEN_HEADER]: TOKEN },
    dashboard: parts,
  };
  return all;
}

async function startOne(options: Parameters<typeof start>[0]): Promise<Started> {
  const one = await start(options);
  started.push(one);
  return one;
}

async function stop({ server, dashboard: parts }: Started): Promise<void> {
  server.close();
  await parts.stop();
  server.closeAllConnections();
}

beforeAll(async () => {
  shared = await start();
});

afterAll(() => stop(shared));

afterEach(async () => {
  for (const each of started.splice(0)) await stop(each);
});

function ask({ server, origin, token }: Started, body: object | string, headers: Record<string, string> = {}) {
  return request(server)
    .post('/api/judge')
    .set({ origin, ...token, 'content-type': 'application/json', ...headers })
    .send(typeof body === 'string' ? body : JSON.stringify(body));
}

const QUESTION = { manifests: 'apiVersion: v1\nkind: Service\nmetadata: { name: a }', policy: '' };

describe('the page', () => {
  it('is given without the token, since it has nothing of the user', async () => {
    const { server } = shared;
    const page = await request(server).get('/').expect(200);
    expect(page.headers['set-cookie']).toBeUndefined();
    expect(page.text).toMatch(/^<meta nonce="[A-Za-z0-9+/=]{24}" files="no">$/);
    const [, nonce = ''] = /nonce="([^"]+)"/.exec(page.text) ?? [];
    expect(page.headers['content-security-policy']).toContain(`style-src 'self' 'nonce-${nonce}'`);
    await request(server).get('/assets/main.js').expect(200, 'main()');
  });

  it('forbids everything that it does not need', async () => {
    const { server } = shared;
    for (const path of ['/', '/assets/main.js', '/api/files', '/no-such-path']) {
      const { headers } = await request(server).get(path);
      const policy = String(headers['content-security-policy']);
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; /);
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers['x-powered-by']).toBeUndefined();
    }
  });

  it.each(['/assets/../index.html', '/assets/..%2f..%2fpackage.json', '/assets/none.js', '/package.json'])(
    'has no other file: %s',
    async (path) => {
      await request(shared.server).get(path).set(shared.token).expect(404);
    },
  );
});

describe('a request that is not the page’s', () => {
  it.each(['', 'the-toke', 'the-token2', 'THE-TOKEN'])('gets nothing with the wrong token "%s"', async (token) => {
    const { server } = shared;
    const files = await request(server)
      .get('/api/files')
      .set({ [TOKEN_HEADER]: token })
      .expect(401);
    expect(files.text).not.toContain(TOKEN);
    await ask(shared, QUESTION, { [TOKEN_HEADER]: token }).expect(401, {
      error: 'the token is missing or wrong: open the URL that rollgate dashboard printed',
    });
    await request(server)
      .get('/api/none')
      .set({ [TOKEN_HEADER]: token })
      .expect(401);
    // Express reads paths without their case.
    await request(server)
      .get('/API/files')
      .set({ [TOKEN_HEADER]: token })
      .expect(401);
  });

  it('gets nothing by the token in the URL or in a cookie', async () => {
    const { server, origin } = shared;
    await request(server).get(`/api/files?token=${TOKEN}`).expect(401);
    await request(server)
      .post(`/api/judge?token=${TOKEN}`)
      .set({ origin, cookie: `${TOKEN_HEADER}=${TOKEN}`, 'content-type': 'application/json' })
      .send(JSON.stringify(QUESTION))
      .expect(401);
  });

  it.each(['https://evil.example', 'http://127.0.0.1:1', 'null', 'http://localhost'])(
    'of the origin %s gets nothing',
    async (other) => {
      const it = shared;
      await ask(it, QUESTION, { origin: other }).expect(403);
      await request(it.server).get('/').set({ origin: other }).expect(403);
    },
  );

  it('is not answered without an origin if it is a question', async () => {
    const { server, token } = shared;
    await request(server)
      .post('/api/judge')
      .set({ ...token, 'content-type': 'application/json' })
      .send(JSON.stringify(QUESTION))
      .expect(403);
  });

  it.each(['evil.example', 'evil.example:80', '127.0.0.1', '127.0.0.1.evil.example', 'localhost'])(
    'for the host %s gets nothing',
    async (host) => {
      const it = shared;
      await request(it.server).get(`/?token=${TOKEN}`).set({ host }).expect(421);
      await ask(it, QUESTION, { host, origin: `http://${host}` }).expect(421);
    },
  );
});

it('a browser leaves out port 80', () => {
  expect(ownHosts(80)).toEqual(['127.0.0.1:80', 'localhost:80', '127.0.0.1', 'localhost']);
  expect(ownHosts(8080)).toEqual(['127.0.0.1:8080', 'localhost:8080']);
});

describe('a question', () => {
  it('is answered', async () => {
    const { body } = (await ask(shared, QUESTION).expect(200)) as { body: Answer };
    expect(body).toMatchObject({ verdict: 'allow', objects: 1, rollouts: [] });
  });

  it('with <script> in a manifest is answered as JSON that no browser runs', async () => {
    const name = '<script>alert(1)</script>';
    const manifests = `apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: { name: "${name}" }\nspec: {}`;
    const { headers, body } = (await ask(shared, { manifests, policy: '' }).expect(200)) as {
      headers: Record<string, string>;
      body: Answer;
    };
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-content-type-options': 'nosniff',
    });
    expect(body.rollout).toBe(`default/${name}`);
  });

  it.each([
    ['an unknown key', { ...QUESTION, path: '/etc/passwd' }, 'unknown key "path"'],
    ['no manifests', { policy: '' }, 'manifests: must be text'],
    ['no policy', { manifests: '' }, 'policy: must be text'],
    ['a negative stage', { ...QUESTION, stage: -1 }, 'stage: must be an index'],
    ['a step that is none', { ...QUESTION, abortAt: 1.5 }, 'abortAt: must be the number of a step'],
    ['a huge count', { ...QUESTION, replicas: 1e9 }, 'replicas: use 0 to 100000'],
    ['a list', [], 'the body is not an object'],
    ['no JSON', '{', 'the body is not JSON'],
  ])('with %s is refused', async (_, body, error) => {
    await ask(shared, body).expect(400, { error });
  });

  it('that is no JSON by its type is refused', async () => {
    await ask(shared, QUESTION, { 'content-type': 'text/plain' }).expect(415);
  });

  it('that is too large is refused', async () => {
    const it = shared;
    const refused = async (question: object, error: string): Promise<void> => {
      await ask(it, { ...QUESTION, ...question }).expect(413, { error });
    };
    await refused({ manifests: 'ä'.repeat(530_000) }, 'the manifests are larger than 1048576 bytes: use fewer');
    await refused({ manifests: '- '.repeat(150_000) }, 'the manifests have more than 100000 values: use fewer');
    await refused({ policy: 'a'.repeat(300_000) }, 'the policy is larger than 262144 bytes: use a shorter one');
    await refused(
      { manifests: '"'.repeat(3_000_000) },
      'the manifests and the policy are larger than 4194304 bytes as JSON: use fewer',
    );
    await ask(it, { ...QUESTION, manifests: `# ${'"'.repeat(1_000_000)}` }).expect(200);
    await ask(it, QUESTION).expect(200);
  });

  it('that takes too long ends, and the next one is answered', async () => {
    const it = await startOne({ timeLimit: 50, script: new URL('./never.ts', import.meta.url) });
    await ask(it, QUESTION).expect(504);
    await ask(it, QUESTION).expect(504);
  });

  it('is answered by a thread that takes longer to start than an answer may', async () => {
    const it = await startOne({ timeLimit: 1_000, script: new URL('./slow-start.ts', import.meta.url) });
    await ask(it, QUESTION).expect(200);
  });

  it('takes the place of those of the same page that wait', async () => {
    const judging = new Judging();
    const body = (manifests: string): Uint8Array => Buffer.from(JSON.stringify({ manifests, policy: '' }));
    const replies = await Promise.all([
      judging.answer(body('a: 1'), 'one'),
      judging.answer(body('a: 2'), 'one'),
      judging.answer(body('a: 3'), 'two'),
      judging.answer(body('a: 4'), 'one'),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 409, 200, 200]);
    await judging.stop();
  });
});

describe('files', () => {
  const get = (it: Started, version = '') =>
    request(it.server).get('/api/files').query({ version }).set(it.token) as Promise<{
      status: number;
      body: GivenFiles;
    }>;

  it('are sent at first, and again only when one has changed', async () => {
    let text = 'a: 1';
    let reads = 0;
    const files: FileSource = {
      read() {
        reads++;
        return { files: [{ name: 'a.yaml', text }], notes: [] };
      },
      signature: () => text,
    };
    const it = await startOne({ files });
    expect((await request(it.server).get('/')).text).toContain('files="yes"');
    const first = await get(it);
    expect(first.body.files).toEqual([{ name: 'a.yaml', text: 'a: 1' }]);
    expect((await get(it, first.body.version)).status).toBe(204);
    // Another page.
    expect((await get(it)).body).toEqual(first.body);
    expect(reads).toBe(1);
    text = 'a: 2';
    const second = await get(it, first.body.version);
    expect(second.body.files).toEqual([{ name: 'a.yaml', text: 'a: 2' }]);
    expect((await get(it, second.body.version)).status).toBe(204);
    expect(reads).toBe(2);
  });

  it.each(['read', 'signature'] as const)('that cannot be read are said: %s', async (broken) => {
    let isBroken = true;
    const failing = (which: string): void => {
      if (isBroken && which === broken) throw new Error('gone');
    };
    const files: FileSource = {
      read() {
        failing('read');
        return { files: [], notes: [] };
      },
      signature() {
        failing('signature');
        return '';
      },
    };
    const it = await startOne({ files });
    const { body } = await get(it);
    expect(body).toMatchObject({ files: [], notes: ['gone'] });
    expect((await get(it, body.version)).status).toBe(204);
    isBroken = false;
    expect((await get(it, body.version)).body.notes).toEqual([]);
  });

  it('are not there if none was given', async () => {
    const { server, token } = shared;
    await request(server).get('/api/files').set(token).expect(204);
    await request(server).get('/api/files?path=/etc/passwd').set(token).expect(204, '');
  });
});
