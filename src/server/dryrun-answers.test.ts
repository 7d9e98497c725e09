import { expect, it } from 'vitest';
import type { Question, RecordedAnswers } from '../admission/recording-world.ts';
import type { KubeObject } from '../world/object.ts';
import { storeOf } from '../world/store.ts';
import { answerInPieces, newRoom } from './dryrun-answers.ts';

function service(name: string, length: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name, annotations: { text: 'x'.repeat(length) } },
  };
}

function get(name: string): Question {
  return { ask: 'get', kind: 'Service', namespace: 'shop', name };
}

function pieces(objects: readonly KubeObject[], questions: readonly Question[]): (RecordedAnswers | 'too much')[] {
  const all = [...answerInPieces(questions, storeOf(objects), () => true, newRoom())];
  const more = all.map((piece) => piece !== 'too much' && piece.more);
  expect(more.indexOf(false)).toBe(more.length - 1);
  return all.map((piece) => (piece === 'too much' ? piece : piece.answers));
}

it('answers in pieces, so that none takes long to copy', () => {
  const names = Array.from({ length: 20 }, (_, index) => `s-${index}`);
  const some = pieces(
    names.map((name) => service(name, 100_000)),
    names.map(get),
  );
  expect(some.map((piece) => piece !== 'too much' && piece.lookups.size)).toEqual([3, 3, 3, 3, 3, 3, 2]);
  const absent = pieces(
    [],
    Array.from({ length: 500 }, (_, index) => get(`absent-${index}`)),
  );
  expect(absent.map((piece) => piece !== 'too much' && piece.lookups.size)).toEqual([200, 200, 100]);
});

it('ends where a dry run has learned too much, also if it asks for the same object again and again', () => {
  const objects = [service('a', 1_000_000)];
  const some = pieces(
    objects,
    Array.from({ length: 20 }, () => get('a')),
  );
  expect(some).toHaveLength(9);
  expect(some.at(-1)).toBe('too much');
});

it('does not know listings that are too large', () => {
  const question: Question = { ask: 'list', kind: 'Service', namespace: 'shop' };
  const listing = (count: number): unknown => {
    const objects = Array.from({ length: count }, (_, index) => service(`s-${index}`, 100_000));
    const [piece] = pieces(objects, [question]);
    return piece === undefined || piece === 'too much' ? piece : [...piece.listings.values()][0];
  };
  expect(listing(5)).toMatchObject({ state: 'known' });
  expect(listing(30)).toEqual({ state: 'unknown', reason: 'too many objects for a dry run' });
});
