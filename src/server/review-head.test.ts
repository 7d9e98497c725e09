import { describe, expect, it } from 'vitest';
import { HEAD_BYTES, readHead } from './review-head.ts';

const REQUEST = {
  uid: 'u-1',
  kind: { group: 'argoproj.io', version: 'v1alpha1', kind: 'Rollout' },
  resource: { group: 'argoproj.io', version: 'v1alpha1', resource: 'rollouts' },
  name: 'reviews',
  namespace: 'shop',
  operation: 'UPDATE',
  userInfo: { username: 'jane', groups: ['a', 'b'] },
  object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Other', metadata: { name: 'other', uid: 'u-2' }, uid: 'u-3' },
};
const REVIEW = { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request: REQUEST };
const EXPECTED = {
  uid: 'u-1',
  kind: 'Rollout',
  kindId: 'Rollout.argoproj.io',
  apiVersion: 'argoproj.io/v1alpha1',
  name: 'reviews',
  namespace: 'shop',
  operation: 'UPDATE',
  resource: 'rollouts',
  user: { username: 'jane' },
};

/** Returns the head of a review that goes on. */
function head(review: object): ReturnType<typeof readHead> {
  return readHead(Buffer.from(`${JSON.stringify(review).slice(0, -1)},"x":"${'x'.repeat(HEAD_BYTES)}`));
}

describe('readHead', () => {
  it('returns what identifies the request, from the part before the objects', () => {
    expect(head(REVIEW)).toMatchObject(EXPECTED);
    expect(head(REVIEW)?.object).toBeUndefined();
  });

  it('takes any order of keys', () => {
    const { object, ...rest } = REQUEST;
    const request: object = Object.fromEntries([...Object.entries<unknown>(rest).reverse(), ['object', object]]);
    expect(head({ request, apiVersion: REVIEW.apiVersion, kind: REVIEW.kind })).toMatchObject(EXPECTED);
    expect(head({ ...REVIEW, request: { object, ...rest } })).toMatchObject(EXPECTED);
  });

  it('can be cut anywhere after the uid, also in strings, escapes and characters', () => {
    const text = JSON.stringify({ ...REVIEW, request: { ...REQUEST, name: 'a"\\é😀,{[' } });
    const bytes = Buffer.from(text);
    for (let end = bytes.indexOf('"kind":{"group"'); end <= bytes.length; end++)
      expect(readHead(bytes.subarray(0, end))?.uid).toBe('u-1');
    expect(readHead(bytes)).toMatchObject({ name: 'a"\\é😀,{[' });
  });

  it.each<[string, string]>([
    ['no JSON', 'x'.repeat(100)],
    ['nothing', ''],
    ['a list', '[1,2,3'],
    ['no uid', JSON.stringify({ ...REVIEW, request: { ...REQUEST, uid: undefined } })],
    ['a uid in the object only', JSON.stringify({ ...REVIEW, request: { object: { uid: 'u-1', x: 1 }, y: 1 } })],
    ['a uid that is a number', JSON.stringify({ ...REVIEW, request: { ...REQUEST, uid: 7 } })],
    [
      'a uid of thousands of characters',
      JSON.stringify({ ...REVIEW, request: { ...REQUEST, uid: 'u'.repeat(5_000) } }),
    ],
    ['another kind', JSON.stringify({ ...REVIEW, kind: 'Rollout' })],
    ['another version', JSON.stringify({ ...REVIEW, apiVersion: 'admission.k8s.io/v1beta1' })],
    ['a uid after the head', JSON.stringify({ padding: 'x'.repeat(HEAD_BYTES), ...REVIEW })],
    ['brackets without end', '['.repeat(HEAD_BYTES)],
    ['brackets that close too often', `${']},'.repeat(1_000)}`],
  ])('returns undefined for %s', (_name, body) => {
    expect(readHead(Buffer.from(body))).toBeUndefined();
  });
});
