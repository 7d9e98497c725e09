import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { nameOf } from '../admission/attribution.ts';
import { POLICY_CATALOG } from '../admission/policy-catalog.ts';
import { parsePolicy, type PolicyCatalog } from '../policy/load.ts';
import { retiredRuleWarnings, TRUSTS_NO_CONTROLLER, trustsNoController } from '../policy/warnings.ts';
import { plain } from '../report/format.ts';
import { readErrorOf } from '../world/error.ts';
import { parseManifests, type ManifestError } from '../world/manifests.ts';
import { dig, optionalString } from '../world/read.ts';
import { readAll } from './files.ts';
import { EXIT, type Io } from './io.ts';

const STDIN = '-';
// The file name that the chart mounts, and so the key in its ConfigMap.
const KEY = 'rollgate.yaml';

interface NamedPolicy {
  /** Where it is, for the user. */
  readonly name: string;
  readonly text: string;
}

/**
 * Runs `rollgate policy check`. Errors and warnings go to `stderr`, a line each.
 *
 * @param file - A policy, or manifests with ConfigMaps that hold one; `-` for standard input.
 * @returns The exit code: 0 if the policy is valid, 1 if it is not, 2 if there is no policy to check.
 */
export async function runPolicyCheck(
  file: string,
  io: Pick<Io, 'stdout' | 'stderr' | 'stdin' | 'cwd'>,
  known: PolicyCatalog = POLICY_CATALOG,
): Promise<number> {
  const name = file === STDIN ? '<stdin>' : file;
  const say = (sentence: string): void => void io.stderr.write(`rollgate policy check: ${plain(sentence)}\n`);
  let text: string;
  try {
    text = file === STDIN ? (await readAll(io.stdin)).toString('utf8') : await readFile(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    say(`${name}: ${readErrorOf(error)}`);
    return EXIT.failed;
  }
  // The command before the pipe may have failed.
  if (file === STDIN && text.trim() === '') {
    say(`${name}: empty, so nothing was checked: see whether the command before the pipe failed`);
    return EXIT.failed;
  }
  const { policies, errors } = policiesIn(name, text);
  // A document that cannot be read may be the one with the policy.
  if (errors.length > 0) {
    for (const { line, column, message } of errors) say(`${name}:${line}:${column}: ${message}`);
    return EXIT.failed;
  }
  if (policies.length === 0) {
    say(
      `${name}: no ConfigMap with the key ${KEY}, so nothing was checked: name a policy, or the ConfigMap that holds it`,
    );
    return EXIT.failed;
  }
  const results = policies.map((policy) => isValid(policy, known, say));
  for (const [index, policy] of policies.entries())
    if (results[index] === true) io.stdout.write(`${plain(policy.name)}: the policy is valid\n`);
  return results.every(Boolean) ? EXIT.clean : EXIT.denied;
}

function isValid({ name, text }: NamedPolicy, known: PolicyCatalog, say: (sentence: string) => void): boolean {
  const loaded = parsePolicy(text, known);
  if (!loaded.ok) {
    for (const error of loaded.errors) say(`${name}: ${error}`);
    return false;
  }
  const warnings = [
    ...retiredRuleWarnings(loaded.policy, known),
    ...(trustsNoController(loaded.policy) ? [TRUSTS_NO_CONTROLLER] : []),
  ];
  for (const warning of warnings) say(`${name}: warning: ${warning}`);
  return true;
}

// A policy has neither apiVersion nor kind, so what has both is a manifest.
function policiesIn(
  name: string,
  text: string,
): { readonly policies: readonly NamedPolicy[]; readonly errors: readonly ManifestError[] } {
  const { objects, errors } = parseManifests(text, name);
  if (objects.length === 0) return { policies: [{ name, text }], errors: [] };
  const policies = objects.flatMap(({ object }) => {
    const content = object.kind === 'ConfigMap' ? optionalString(dig(object, 'data', KEY)) : undefined;
    return content === undefined ? [] : [{ name: `${name}: ${nameOf(object)}`, text: content }];
  });
  return { policies, errors };
}

/**
 * Returns the command `rollgate policy`.
 *
 * @param exit - Called with the exit code.
 */
export function policyCommand(io: Io, exit: (code: number) => void): Command {
  const check = new Command('check')
    .description('check a policy as Rollgate does when it starts')
    .argument('<file>', 'the policy, or manifests with the ConfigMap that holds it; - for standard input')
    .action(async (file: string) => exit(await runPolicyCheck(file, io)));
  return new Command('policy').description('check a policy before you apply it').addCommand(check);
}
