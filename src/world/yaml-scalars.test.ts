import { expect, it } from 'vitest';
import { yamlDocuments } from './yaml-documents.ts';

// What sigs.k8s.io/yaml v1.6.0 makes of each.
it.each<[string, unknown]>([
  ['yes', true],
  ['On', true],
  ['y', true],
  ['no', false],
  ['OFF', false],
  ['N', false],
  ['oN', 'oN'],
  ['yesterday', 'yesterday'],
  ['"yes"', 'yes'],
  ['1_000', 1000],
  ['0644', 420],
  ['-0644', -420],
  ['0_644', 420],
  ['0899', 899],
  ['0x1_F', 31],
  ['-0b101', -5],
  ['0O17', 15],
  ['0x', '0x'],
  ['1_', 1],
  ['_1', '_1'],
  ['1_000.5', 1000.5],
  ['._5', '._5'],
  ['.5e1', 5],
  ['1e3', 1000],
  ['12e4567', '12e4567'],
  ['1.2.3', '1.2.3'],
  ['1:30', '1:30'],
  ['2001-12-14', '2001-12-14'],
])('%s is read as kubectl reads it', (text, value) => {
  expect([...yamlDocuments(`a: ${text}`)]).toMatchObject([{ value: { a: value } }]);
});

it('a key that is a boolean is its text', () => {
  expect([...yamlDocuments('on: 1')]).toMatchObject([{ value: { true: 1 } }]);
});
