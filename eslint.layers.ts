// Which layer may import what. `docs/architecture.md` explains it, `test/layers.test.ts` proves it with probes.
import type { ESLint, Linter } from 'eslint';
import boundaries from 'eslint-plugin-boundaries';

/** What a layer may import. */
interface Layer {
  readonly layers: readonly string[];
  /** Without subpaths: `node:fs` stands for `node:fs/promises` too. */
  readonly builtins?: readonly string[];
  readonly packages?: readonly string[];
}

const PURE_BUILTINS = ['node:util'];

// From the bottom to the top. A layer may import itself, the layers, built-in modules and packages in its entry, and
// nothing else.
export const LAYERS: Readonly<Record<string, Layer>> = {
  world: { layers: [], builtins: ['node:crypto', 'node:util'], packages: ['fast-json-patch', 're2js', 'yaml'] },
  migration: { layers: ['world'], builtins: PURE_BUILTINS, packages: ['fast-json-patch'] },
  conditions: { layers: [] },
  timeline: { layers: ['world'] },
  rules: { layers: ['world', 'conditions', 'timeline'] },
  preserve: { layers: ['world'], packages: ['fast-json-patch'] },
  // The compiled schemas are packages, found and loaded by name.
  documents: { layers: ['world', 'rules'], builtins: ['node:util', 'node:module', 'node:path'] },
  policy: { layers: ['world', 'migration'], packages: ['yaml', 'zod'] },
  version: { layers: ['world'], builtins: ['node:fs'] },
  report: { layers: ['world', 'timeline', 'rules', 'documents', 'version'], builtins: PURE_BUILTINS },
  admission: {
    layers: ['world', 'migration', 'rules', 'preserve', 'documents', 'policy', 'report'],
    packages: ['fast-json-patch'],
  },
  cluster: {
    layers: ['world'],
    builtins: [
      'node:events',
      'node:fs',
      'node:http',
      'node:http2',
      'node:https',
      'node:net',
      'node:os',
      'node:path',
      'node:stream',
      'node:timers',
      'node:tls',
      'node:url',
    ],
    packages: ['@kubernetes/client-node', 'yaml'],
  },
  reconciler: {
    layers: ['world', 'migration', 'policy', 'cluster'],
    packages: ['@kubernetes/client-node', 'fast-json-patch'],
  },
  server: {
    layers: ['world', 'rules', 'preserve', 'documents', 'policy', 'report', 'admission', 'cluster'],
    builtins: [
      'node:async_hooks',
      'node:crypto',
      'node:fs',
      'node:http',
      'node:https',
      'node:net',
      'node:os',
      'node:path',
      'node:stream',
      'node:timers',
      'node:tls',
      'node:v8',
      'node:worker_threads',
    ],
    packages: ['@kubernetes/client-node', 'express', 'pino', 'prom-client'],
  },
  dashboard: {
    layers: ['world', 'timeline', 'rules', 'preserve', 'documents', 'policy', 'report', 'admission', 'server'],
    builtins: ['node:crypto', 'node:fs', 'node:path', 'node:url', 'node:worker_threads'],
    packages: ['express', 'yaml'],
  },
  commands: {
    layers: [
      'world',
      'migration',
      'timeline',
      'rules',
      'preserve',
      'documents',
      'policy',
      'version',
      'report',
      'admission',
      'cluster',
      'reconciler',
      'server',
      'dashboard',
    ],
    builtins: [
      'node:crypto',
      'node:events',
      'node:fs',
      'node:http',
      'node:net',
      'node:os',
      'node:path',
      'node:process',
      'node:v8',
    ],
    packages: ['@kubernetes/client-node', 'commander', 'yaml'],
  },
  program: { layers: ['world', 'version', 'commands'], packages: ['commander'] },
  nodeVersion: { layers: [] },
  compileCache: { layers: [], builtins: ['node:module', 'node:os', 'node:path'] },
  // What it imports before it has looked at the version of Node.js must run on any.
  cli: { layers: ['nodeVersion', 'compileCache', 'program', 'commands'], builtins: ['node:process'] },
};

const FILES: Readonly<Record<string, string>> = {
  version: 'version.ts',
  program: 'program.ts',
  nodeVersion: 'node-version.ts',
  compileCache: 'compile-cache.ts',
  cli: 'cli.ts',
};

// The layers that do no I/O, and read neither a clock nor a source of chance.
export const PURE: readonly string[] = [
  'world',
  'migration',
  'conditions',
  'timeline',
  'rules',
  'preserve',
  'documents',
  'policy',
  'report',
  'admission',
];

const TESTS = '**/*.test.ts';
const RECONCILER = 'src/migration/reconciler/**';

// The globals of the language itself that are pure, and of Node.js those without I/O. Everything else that Node.js has
// is forbidden, what its later versions add included.
const PURE_GLOBALS = new Set<string>([
  ...['Object', 'Function', 'Array', 'Number', 'Boolean', 'String', 'Symbol', 'BigInt', 'Math', 'JSON', 'Reflect'],
  ...['Error', 'AggregateError', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError'],
  ...['Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Promise', 'Proxy', 'RegExp', 'Iterator', 'Date', 'Intl'],
  ...['ArrayBuffer', 'DataView', 'Uint8Array', 'Int8Array', 'Uint16Array', 'Int16Array', 'Uint32Array', 'Int32Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Uint8ClampedArray'],
  ...['undefined', 'NaN', 'Infinity', 'parseInt', 'parseFloat', 'isNaN', 'isFinite'],
  ...['encodeURI', 'encodeURIComponent', 'decodeURI', 'decodeURIComponent', 'structuredClone'],
  ...['Buffer', 'TextEncoder', 'TextDecoder', 'URL', 'URLSearchParams'],
]);
const IMPURE_GLOBALS = [
  ...new Set([...Object.getOwnPropertyNames(globalThis), 'require', 'module', 'exports', '__dirname', '__filename']),
].filter((name) => !PURE_GLOBALS.has(name));
const NO_CLOCK = 'No clock here: the time is passed in.';

function entity(layer: string): object {
  return layer in FILES ? { file: { categories: layer } } : { element: { type: layer } };
}

function policyOf(layer: string, { layers, builtins = [], packages = [] }: Layer): object {
  return {
    from: entity(layer),
    allow: [
      ...[layer, ...layers].map((to) => ({ to: entity(to) })),
      ...builtins.map((source) => ({ to: { module: { origin: 'core', source } } })),
      ...packages.map((source) => ({ to: { module: { origin: 'external', source } } })),
    ],
  };
}

/** The configuration for ESLint. */
export const layers: Linter.Config[] = [
  {
    files: ['src/**'],
    ignores: [TESTS],
    // Its types describe it as a CommonJS module.
    plugins: { boundaries: boundaries as unknown as ESLint.Plugin },
    settings: {
      'boundaries/root-path': import.meta.dirname,
      // Of patterns that match the same file the first counts.
      'boundaries/elements': [
        { type: 'reconciler', pattern: 'src/migration/reconciler' },
        ...Object.keys(LAYERS)
          .filter((type) => type !== 'reconciler' && !(type in FILES))
          .map((type) => ({ type, pattern: `src/${type}` })),
      ],
      'boundaries/files': Object.entries(FILES).map(([category, file]) => ({ category, pattern: `src/${file}` })),
      'boundaries/dependency-nodes': ['import', 'export', 'dynamic-import', 'require'],
      'boundaries/additional-dependency-nodes': [
        { name: 'import-type', selector: 'TSImportType > Literal', kind: 'type' },
      ],
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        {
          default: 'disallow',
          checkAllOrigins: true,
          checkUnknownLocals: true,
          policies: Object.entries(LAYERS).map(([layer, entry]) => policyOf(layer, entry)),
        },
      ],
      'boundaries/no-unknown-files': 'error',
    },
  },
  {
    files: PURE.map((layer) => `src/${layer}/**`),
    ignores: [TESTS, RECONCILER],
    rules: {
      // Hashing is pure, the rest of the module has keys and chance.
      'no-restricted-imports': ['error', { paths: [{ name: 'node:crypto', allowImportNames: ['createHash'] }] }],
      'no-restricted-globals': [
        'error',
        ...IMPURE_GLOBALS.map((name) => ({ name, message: 'No I/O, clock or chance in the pure layers.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: NO_CLOCK },
        { object: 'Math', property: 'random', message: 'No chance here.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: NO_CLOCK },
        { selector: 'CallExpression[callee.name="Date"]', message: NO_CLOCK },
        {
          selector: 'CallExpression[callee.name="Function"], NewExpression[callee.name="Function"]',
          message: 'No code from texts.',
        },
      ],
    },
  },
];
