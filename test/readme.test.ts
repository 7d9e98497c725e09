import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gateOver, objectsOf, requestFor, validate } from './support/gate.ts';

const README = readFileSync(join(import.meta.dirname, '..', 'README.md'), 'utf8');
const [, MISTAKE = ''] = /^```yaml\n(apiVersion: argoproj\.io[^]*?)^```/m.exec(README) ?? [];

/** Returns what kubectl prints about a Rollout that is denied, or undefined. */
async function denial(manifest: string): Promise<string | undefined> {
  const [rollout] = objectsOf(manifest);
  const { response } = await validate(gateOver([]), requestFor(rollout, undefined));
  if (response.allowed) return undefined;
  const causes = (response.status?.details?.causes ?? []).map(({ field, message }) => `${field}: ${message}`);
  return `The Rollout "${rollout?.metadata.name ?? ''}" is invalid: ${causes.join('; ')}`;
}

describe('the mistake in the README', () => {
  it('is denied with the text that the README shows', async () => {
    const text = await denial(MISTAKE);
    expect(README.split('\n')).toContain(text);
  });

  it('is fixed by what that text says', async () => {
    const fixed = MISTAKE.replace('app: helo\n', 'app: hello\n');
    expect(fixed).not.toBe(MISTAKE);
    expect(await denial(fixed)).toBeUndefined();
  });
});
