import { describe, expect, it } from 'vitest';
import { jsonPathProblem, MAX_LENGTH, textBefore } from './json-path.ts';

// Each is what client-go v0.34 said of the same path.
describe('jsonPathProblem', () => {
  it.each([
    '{$}',
    '{.state}',
    '{$.state}',
    '{ .state }',
    "{$['state']}",
    '{.items[0].a-b}',
    '{.items[*].a}',
    '{.items[0,1]}',
    '{.items[-1:]}',
    '{..state}',
    '{.items[?(@.name=="a")].state}',
    '{.items[?(@.name)].state}',
    "{.items[?(@.name=='a)')].state}",
    '{range .items[*]}{.a}{end}',
    '{"text"}',
    '{.a\\.b}',
    '{.items|length}',
    '{1}',
    'text',
    '',
  ])('finds nothing in %j', (path) => {
    expect(jsonPathProblem(path)).toBeUndefined();
  });

  it.each([
    ['{', 'a brace is not closed'],
    ['{$.state', 'a brace is not closed'],
    ['{.a} {.b', 'a brace is not closed'],
    ['{.a\n}', 'a brace is not closed'],
    ['{$["state"]}', '["state"] is no index'],
    ['{.items[first]}', '[first] is no index'],
    ['{.items[0}', '[ is not closed'],
    ['{state}', 'state is no field without a dot'],
    ['{$ | length}', '| cannot stand there'],
    ['{.items[?(@.name=="a").state}', 'a filter does not end with )]'],
    ['{.items[?(@.name=="a)].state}', 'a filter is not closed'],
    ['{.items[?(@.name}', 'a filter is not closed'],
    ['{"text}', '" is not closed'],
  ])('finds in %j: %s', (path, problem) => {
    expect(jsonPathProblem(path)?.text).toBe(problem);
  });
});

it('checks no path that is longer than people write', () => {
  const withIndexOf = (length: number): string => `{$[1${' '.repeat(length - '{$[1x,1]}'.length)}x,1]}`;
  expect(jsonPathProblem(withIndexOf(MAX_LENGTH))).toBeDefined();
  expect(jsonPathProblem(withIndexOf(MAX_LENGTH + 1))).toBeUndefined();
});

describe('textBefore', () => {
  it.each([
    ['$.state', '$.state'],
    ['state={$.state}', 'state='],
    ['{$.state} of all', ''],
  ])('of %j is %j', (path, text) => {
    expect(textBefore(path)).toBe(text);
  });
});
