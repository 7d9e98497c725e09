import type { ApiServerFigures } from './api-server.ts';
import { BOUND_ROUNDS } from './bounds.ts';
import type { Data } from './data.ts';
import { goalsOf, goalsTable, meanOf } from './goals.ts';
import { SIZES } from './growth.ts';
import { microseconds, milliseconds, percent, range, table, whole } from './numbers.ts';
import { PEPR_VERSION } from './pepr.ts';
import { semiSpaceOfImage } from './semi-space.ts';
import type { ServerCost } from './server.ts';
import { ROOMS, type Room } from './where.ts';

/** The sections of the page, by the part of the bench that measures them. */
export const SECTIONS: { readonly [Part in Exclude<keyof Data, 'node' | 'cpu'>]: (figures: Data[Part]) => string } = {
  server({ rollouts, bodies, bodyBytes, rounds, bare, rollgate, pepr, rates }) {
    const row = (title: string, { microseconds: cost, perSecond, residentMiB }: ServerCost): string[] => [
      title,
      microseconds(cost.median),
      range(cost),
      percent(bare.microseconds.median / cost.median),
      whole(perSecond.median),
      `${whole(residentMiB)} MiB`,
    ];
    return `## Server

Three HTTPS servers get the same ${whole(bodies)} AdmissionReviews (${whole(bodyBytes)} bytes on average) from the same client, in turn, for ${rounds} rounds.
Server and client have a core each.

- The bare server parses the body and allows the request. No webhook in Node.js does less.
- Rollgate has ${whole(rollouts)} Rollouts and ${whole(rollouts * 4)} other objects in its cache. It decides and logs every request.
- Pepr ${PEPR_VERSION} has one capability that approves every change, and logs as it does by default.

${table(
  ['', 'processor time of a request', 'over the rounds, µs', 'compared with bare', 'requests per second', 'memory'],
  [row('bare', bare), row('Rollgate', rollgate), row(`Pepr ${PEPR_VERSION}`, pepr)],
)}

The processor time is that of all threads of the process. At full load the rate depends on the machine; at the rates of
clusters this is how long a request takes, and how late the event loop of Rollgate is:

${table(
  ['requests per second', 'bare, p50', 'p99', 'Rollgate, p50', 'p99', 'event loop, p50', 'p99'],
  rates.map(({ perSecond, bare: other, rollgate: own, rollgateLoop }) => [
    whole(perSecond),
    ...[other.p50, other.p99, own.p50, own.p99, rollgateLoop.p50, rollgateLoop.p99].map(milliseconds),
  ]),
)}

Requests are sent when they are due, whether or not earlier ones were answered.
`;
  },

  where({ rollouts, bare, rollgate }) {
    const rooms = Object.keys(ROOMS) as Room[];
    const sum = (spent: typeof bare): number => rooms.reduce((all, room) => all + spent[room], 0);
    return `## Where the time goes

The processor time of a request to the servers above, with ${whole(rollouts)} Rollouts, by what it is spent on. A profiler runs
meanwhile, which takes time of its own.

${table(
  ['', 'bare', 'Rollgate'],
  [
    ...rooms.map((room) => [ROOMS[room], microseconds(bare[room]), microseconds(rollgate[room])]),
    ['all', microseconds(sum(bare)), microseconds(sum(rollgate))],
  ],
)}
`;
  },

  apiServer: apiServerSection,

  engine([small, large]) {
    if (small === undefined || large === undefined) throw new Error('two sizes are needed');
    const rows = large.sorts.map((sort, index) => {
      const other = small.sorts[index];
      if (other?.title !== sort.title) throw new Error('both sizes are measured with the same changes');
      return [
        sort.title,
        ...[other.validate, sort.validate, other.mutate, sort.mutate].map(microseconds),
        `${whole(sort.allocated / 1024)} KiB`,
      ];
    });
    const means = (['validate', 'mutate'] as const).flatMap((webhook) =>
      [small, large].map((figure) => microseconds(meanOf(figure, webhook))),
    );
    return `## Engine

The processor time of one decision without HTTP, with garbage collection. The changes come in a mixed order, each parsed
from its own body; all objects are in the middle of a canary. Only the rules that read what differs are run.

${table(
  [
    'change',
    `validation, ${whole(small.rollouts)} Rollouts`,
    whole(large.rollouts),
    `mutation, ${whole(small.rollouts)} Rollouts`,
    whole(large.rollouts),
    'allocated',
  ],
  [...rows, ['mean', ...means, '']],
)}

${whole(large.rollouts)} Rollouts are ${whole(large.objects)} objects. Each column is from ${whole(large.decisions / 2)} decisions.
`;
  },

  cold({ bare, rollgate, processes, idleMiB }) {
    const row = (title: string, figures: typeof bare): string[] => [
      title,
      ...[figures.first, figures.nextTen, figures.nextNinety].map(milliseconds),
    ];
    return `## Cold

Most clusters send so few requests that V8 never optimizes the code. So \`serve\` judges sample reviews before it is ready.
The time of one request after the other to a new process, over one connection; medians of ${processes} processes:

${table(['', 'first request', 'next ten, each', 'next ninety, each'], [row('bare', bare), row('Rollgate', rollgate)])}

Before the first request Rollgate holds ${whole(idleMiB)} MiB, compiled and with the Node.js options of the image.
`;
  },

  semiSpaces(figures) {
    return `## Young generation

A larger semi-space means less garbage collection and more memory. The image has ${semiSpaceOfImage()} MiB.

${table(
  ['`--max-semi-space-size`', 'processor time of a request', 'over the rounds, µs', 'memory'],
  figures.map(({ mebibytes, cost }) => [
    `${mebibytes} MiB`,
    microseconds(cost.microseconds.median),
    range(cost.microseconds),
    `${whole(cost.residentMiB)} MiB`,
  ]),
)}
`;
  },

  bounds(figures) {
    return `## Bounds

What one request costs all others. Each row is a process of its own, compiled, with the Node.js options of the image and 10
Rollouts in its cache, that has answered 200 small requests before.

- The longest block is the most processor time that the main thread took before others got their turn. It is the
  median of ${BOUND_ROUNDS} requests.
- The memory is the most resident memory during the first of them, above that before it.
- The first dry run starts a thread, which stays.

${table(
  ['request', 'body', 'longest block', 'memory'],
  figures.map(({ title, kibibytes, blocked, memory }) => [
    title,
    `${whole(kibibytes)} KiB`,
    `${blocked} ms`,
    `${memory} MiB`,
  ]),
)}
`;
  },

  growth(figures) {
    return `## Growth

How the time of one evaluation, in milliseconds, grows with what a user can make large. It is that of the slowest way in
which the objects arrive: all in one bundle, or one of them in a request. \`test/growth\` asserts the growth by counting
operations.

![time by size, as in the table below](images/growth.svg)

${table(
  ['size', ...SIZES.map(whole)],
  figures.map(({ title, milliseconds: times }) => [title, ...times.map((time) => String(time))]),
)}
`;
  },
};

function apiServerSection({ writes, variants }: ApiServerFigures): string {
  const [without] = variants;
  if (without === undefined) throw new Error('nothing was measured');
  const added = (value: number): string => `${value < 0 ? '−' : '+'}${milliseconds(Math.abs(value))}`;
  return `## Through the API server

A server-side apply to a real kube-apiserver, ${whole(writes)} for each row, in turn.

- The API server calls Rollgate for mutation, for validation, or for both: that depends on what a write changes. It calls the webhook that answers at once just as often.
- It calls Kyverno once for each write. Kyverno has one ValidatingPolicy: the VirtualService that a Rollout names exists, and it has the routes that the Rollout names. This is one of the many things that Rollgate checks.
- For a Rollout the policy reads the VirtualService from the API server, and for a VirtualService the Rollouts. It allows Services and AnalysisTemplates at once. Kyverno's reports are off.

${table(
  ['', 'p50', 'p99', 'added, p50', 'p99'],
  variants.map(({ title, p50, p99 }) => [
    title,
    milliseconds(p50),
    milliseconds(p99),
    ...(title === without.title ? ['', ''] : [added(p50 - without.p50), added(p99 - without.p99)]),
  ]),
)}
`;
}

/** Returns the page, before it is formatted. */
export function page(data: Data): string {
  const goals = goalsOf(data);
  const missed = goals.filter(({ reached }) => !reached).length;
  return [
    `<!-- Generated by \`npm run bench\` from performance.json; do not edit. -->

# Performance

Measured with Node ${data.node} on ${data.cpu}. Absolute figures depend on the machine; compare the ratios.

${missed === 0 ? 'Every goal is reached:' : `${missed} of ${goals.length} goals ${missed === 1 ? 'is' : 'are'} not reached; they come first:`}

${goalsTable(goals)}
${missed === 0 ? '' : '\n[Where the time goes](#where-the-time-goes) shows why a request takes as long as it does.\n'}
Kyverno was compared [through the API server](#through-the-api-server) only, with one policy. OPA Gatekeeper was not
compared.
`,
    SECTIONS.server(data.server),
    SECTIONS.where(data.where),
    SECTIONS.apiServer(data.apiServer),
    SECTIONS.cold(data.cold),
    SECTIONS.engine(data.engine),
    SECTIONS.semiSpaces(data.semiSpaces),
    SECTIONS.bounds(data.bounds),
    SECTIONS.growth(data.growth),
  ].join('\n');
}
