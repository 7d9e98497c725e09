import tseslint from 'typescript-eslint';

// Dependencies run one way: commands and server -> admission -> rules, mutations, conversion -> world.
const LAYERS = [
  {
    files: ['src/world/**'],
    forbid: [
      'rules',
      'preserve',
      'migration',
      'policy',
      'report',
      'documents',
      'admission',
      'cluster',
      'server',
      'commands',
    ],
  },
  {
    files: ['src/rules/**', 'src/preserve/**', 'src/documents/**'],
    forbid: ['migration', 'policy', 'report', 'admission', 'cluster', 'server', 'commands'],
  },
  {
    files: ['src/migration/**'],
    forbid: ['rules', 'report', 'documents', 'admission', 'cluster', 'server', 'commands'],
  },
  {
    files: ['src/policy/**'],
    forbid: ['preserve', 'migration', 'report', 'documents', 'admission', 'cluster', 'server', 'commands'],
  },
  { files: ['src/admission/**', 'src/report/**', 'src/cluster/**'], forbid: ['server', 'commands'] },
  { files: ['src/server/**'], forbid: ['commands'] },
];
const IO = [
  'node:fs',
  'node:fs/*',
  'node:net',
  'node:http',
  'node:https',
  'node:tls',
  'node:child_process',
  'node:worker_threads',
  'express',
  'pino',
  'prom-client',
  '@kubernetes/client-node',
];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', '.cache/**', 'coverage/**'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      complexity: ['error', 16],
      'max-depth': ['error', 4],
      'max-params': ['error', 6],
      'no-console': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      // Parts are object literals of functions here, none of which uses `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  ...LAYERS.map(({ files, forbid }) => ({
    files,
    ignores: ['**/*.test.ts', 'src/migration/reconciler/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: forbid.flatMap((layer) => [`**/${layer}/*`, `**/${layer}/**`]),
              message: 'Dependencies run one way, see docs/architecture.md.',
            },
          ],
        },
      ],
    },
  })),
  {
    files: [
      'src/world/**',
      'src/rules/**',
      'src/preserve/**',
      'src/migration/**',
      'src/policy/**',
      'src/admission/**',
      'src/documents/**',
      'src/report/**',
    ],
    ignores: ['**/*.test.ts', 'src/migration/reconciler/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ group: IO, message: 'Rules, mutations and what is below the server are pure: no I/O here.' }] },
      ],
      'no-restricted-globals': ['error', 'fetch', 'setTimeout', 'setInterval', 'process'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'No clock here: time is passed in.' },
      ],
    },
  },
  {
    files: ['**/*.test.ts', 'test/**', 'scripts/**', 'src/cli.ts', 'src/commands/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/explicit-module-boundary-types': 'off', complexity: 'off' },
  },
  {
    files: ['src/cli.ts', 'src/commands/**', 'src/server/**', 'src/cluster/**'],
    rules: { 'no-console': 'off' },
  },
);
