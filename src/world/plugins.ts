import { parse } from 'yaml';
import { memo } from './memo.ts';
import type { KubeObject } from './object.ts';
import { asArray, dig, optionalString, asString } from './read.ts';

// A list of plugins does not need aliases, which could expand a small text to a large one.
const OPTIONS = { maxAliasCount: 0, logLevel: 'error' } as const;

// Anyone who may write a ConfigMap of that name controls the text, and the parser takes seconds for deep nesting and
// nested "? " keys.
const MAX_LENGTH = 16_384;
const MAX_LINE = 500;
const MAX_BRACKETS = 200;

const installedBy = memo((configMap: KubeObject) => ({
  names: namesIn(asString(dig(configMap, 'data', 'trafficRouterPlugins'))),
}));

/**
 * Returns the names of the traffic router plugins that a controller's ConfigMap installs; none without
 * `trafficRouterPlugins`; undefined if that text is invalid. Computed once per object. Source: Argo Rollouts v1.9.1,
 * `utils/config` (`InitializeConfig`).
 */
export function routerPlugins(configMap: KubeObject): readonly string[] | undefined {
  return installedBy(configMap).names;
}

function namesIn(text: string): readonly string[] | undefined {
  if (!isSafeToParse(text)) return undefined;
  try {
    const list: unknown = parse(text, OPTIONS);
    if (list !== null && list !== undefined && !Array.isArray(list)) return undefined;
    return asArray(list).flatMap((entry) => optionalString(dig(entry, 'name')) ?? []);
  } catch {
    return undefined;
  }
}

function isSafeToParse(text: string): boolean {
  return (
    text.length <= MAX_LENGTH &&
    !text.includes('? ') &&
    text.split('\n').every((line) => line.length <= MAX_LINE) &&
    text.split(/[[{]/).length <= MAX_BRACKETS
  );
}
