import { parse } from 'yaml';
import { memo } from './memo.ts';
import type { KubeObject } from './object.ts';
import { parseVersion, type ReleaseRange } from './rollouts-versions.ts';
import { asArray, dig, optionalString, asString } from './read.ts';

// A list of plugins does not need aliases, which could expand a small text to a large one.
const OPTIONS = { maxAliasCount: 0, logLevel: 'error' } as const;

// Anyone who may write a ConfigMap of that name controls the text, and the parser takes seconds for deep nesting and
// nested "? " keys.
const MAX_LENGTH = 16_384;
const MAX_LINE = 500;
const MAX_BRACKETS = 200;

interface Plugin {
  readonly name: string;
  readonly location: string;
}

const installedBy = memo((configMap: KubeObject) => ({
  plugins: pluginsIn(asString(dig(configMap, 'data', 'trafficRouterPlugins'))),
}));

/**
 * Returns the names of the traffic router plugins that a controller's ConfigMap installs; none without
 * `trafficRouterPlugins`; undefined if that text is invalid. Computed once per object. Source: Argo Rollouts v1.9.1,
 * `utils/config` (`InitializeConfig`).
 */
export function routerPlugins(configMap: KubeObject): readonly string[] | undefined {
  return installedBy(configMap).plugins?.map(({ name }) => name);
}

/**
 * Returns the release in the location of each router plugin of that name that a controller's ConfigMap installs. Undefined
 * for one whose location names none: a file of an image, a build of one's own.
 */
export function routerPluginVersions(configMap: KubeObject, name: string): readonly (ReleaseRange | undefined)[] {
  const plugins = installedBy(configMap).plugins ?? [];
  return plugins.filter((plugin) => plugin.name === name).map(({ location }) => versionIn(location));
}

// As in the addresses of releases: https://example.com/releases/download/v0.15.0/plugin-linux-amd64.
const RELEASE = /^v?\d+\.\d+\.\d+$/;

function versionIn(location: string): ReleaseRange | undefined {
  if (!/^https?:/.test(location)) return undefined;
  const [first, ...others] = new Set(location.split('/').filter((part) => RELEASE.test(part)));
  return first === undefined || others.length > 0 ? undefined : parseVersion(first);
}

function pluginsIn(text: string): readonly Plugin[] | undefined {
  if (!isSafeToParse(text)) return undefined;
  try {
    const list: unknown = parse(text, OPTIONS);
    if (list !== null && list !== undefined && !Array.isArray(list)) return undefined;
    return asArray(list).flatMap((entry) => {
      const name = optionalString(dig(entry, 'name'));
      return name === undefined ? [] : [{ name, location: asString(dig(entry, 'location')) }];
    });
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
