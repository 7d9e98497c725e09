import { parse } from 'yaml';
import { memo } from './memo.ts';
import type { KubeObject } from './object.ts';
import { asArray, dig, optionalString, asString } from './read.ts';

// A list of plugins has no use for aliases, which could multiply a small text into a large one.
const OPTIONS = { maxAliasCount: 0, logLevel: 'error' } as const;

// Whoever may write a ConfigMap of that name decides what is parsed here, and the parser takes seconds over deep
// nesting and nested "? " keys.
const MAX_LENGTH = 16_384;
const MAX_LINE = 500;
const MAX_BRACKETS = 200;

const installedBy = memo((configMap: KubeObject) => ({
  names: namesIn(asString(dig(configMap, 'data', 'trafficRouterPlugins'))),
}));

/**
 * In: the ConfigMap of an Argo Rollouts controller. Out: the names of the traffic router plugins that it installs, none
 * where it has no `trafficRouterPlugins`; undefined where that text cannot be read. Costs once an object. Source: Argo
 * Rollouts v1.9.1, `utils/config` (`InitializeConfig`).
 */
export function routerPlugins(configMap: KubeObject): readonly string[] | undefined {
  return installedBy(configMap).names;
}

function namesIn(text: string): readonly string[] | undefined {
  if (!isModest(text)) return undefined;
  try {
    const list: unknown = parse(text, OPTIONS);
    if (list !== null && list !== undefined && !Array.isArray(list)) return undefined;
    return asArray(list).flatMap((entry) => optionalString(dig(entry, 'name')) ?? []);
  } catch {
    return undefined;
  }
}

function isModest(text: string): boolean {
  return (
    text.length <= MAX_LENGTH &&
    !text.includes('? ') &&
    text.split('\n').every((line) => line.length <= MAX_LINE) &&
    text.split(/[[{]/).length <= MAX_BRACKETS
  );
}
