import tseslint from 'typescript-eslint';
import { layers } from './eslint.layers.ts';

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
  ...layers,
  {
    files: ['**/*.test.ts', 'test/**', 'scripts/**', 'src/cli.ts', 'src/commands/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/explicit-module-boundary-types': 'off', complexity: 'off' },
  },
  {
    files: ['src/cli.ts', 'src/commands/**', 'src/server/**', 'src/cluster/**'],
    rules: { 'no-console': 'off' },
  },
);
