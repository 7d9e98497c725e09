import jsdoc from 'eslint-plugin-jsdoc';
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
    files: ['src/**'],
    ignores: ['**/*.test.ts'],
    plugins: { jsdoc },
    settings: { jsdoc: { mode: 'typescript' } },
    rules: {
      'no-restricted-syntax': [
        'error',
        ...['[callee.property.name=/^(push|unshift)$/]', '[callee.object.name="Math"]'].map((call) => ({
          selector: `CallExpression${call} > SpreadElement`,
          message: 'A list of a user can have more items than fit on the stack as arguments: use a loop.',
        })),
      ],
      'jsdoc/require-jsdoc': [
        'error',
        {
          publicOnly: true,
          require: { ClassDeclaration: true, FunctionDeclaration: true, MethodDefinition: false },
          contexts: [
            'TSInterfaceDeclaration',
            'TSTypeAliasDeclaration',
            'ExportNamedDeclaration > VariableDeclaration',
          ],
        },
      ],
      'jsdoc/require-description': [
        'error',
        // A constructor may have nothing but parameters to describe.
        {
          contexts: [
            'ClassDeclaration',
            'FunctionDeclaration',
            'TSInterfaceDeclaration',
            'TSTypeAliasDeclaration',
            'ExportNamedDeclaration > VariableDeclaration',
          ],
        },
      ],
      // The form of old: "In: a Rollout. Out: its name."
      'jsdoc/match-description': [
        'error',
        {
          contexts: ['any'],
          matchDescription: '^(?!In:|Out:)[^]*$',
          message: 'Begin with a verb or noun, not with "In:" or "Out:".',
        },
      ],
      'jsdoc/check-param-names': ['error', { checkDestructured: false, disableMissingParamChecks: true }],
      'jsdoc/check-tag-names': ['error', { typed: true, definedTags: ['remarks', 'typeParam', 'defaultValue'] }],
      'jsdoc/no-types': 'error',
      'jsdoc/require-hyphen-before-param-description': ['error', 'always'],
      'jsdoc/require-param-description': 'error',
      'jsdoc/empty-tags': 'error',
    },
  },
  // A component returns elements, and TypeScript knows that.
  { files: ['dashboard/**/*.tsx'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' } },
  // A rule describes itself by its summary and explanation.
  { files: ['src/rules/*/rule.ts'], rules: { 'jsdoc/require-jsdoc': 'off' } },
  {
    files: ['**/*.test.ts', 'test/**', 'scripts/**', 'src/cli.ts', 'src/commands/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/explicit-module-boundary-types': 'off', complexity: 'off' },
  },
  {
    files: ['src/cli.ts', 'src/commands/**', 'src/server/**', 'src/cluster/**'],
    rules: { 'no-console': 'off' },
  },
);
