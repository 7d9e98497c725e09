/** The oldest Node.js that Rollgate runs on, as in `engines` of package.json. */
export const OLDEST_NODE = '22.19';

/**
 * Returns why Rollgate cannot run on a version of Node.js, or undefined. It imports nothing: on an old version the rest
 * of the program cannot even be loaded.
 *
 * @param version - As in `process.version`, `v24.1.0`.
 */
export function nodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
    ? undefined
    : `rollgate needs Node.js ${OLDEST_NODE} or later; this is ${version}`;
}
