import { execFileSync } from 'node:child_process';
import { messageOf } from '../src/world/error.ts';
import { NEWEST_KNOWN_GATEWAY_PLUGIN } from '../src/world/rollouts-versions.ts';
import { versionIn } from './compatibility.ts';
import { DEFINITION_SOURCES, definitionsIn } from './upstream-definitions.ts';
import { addedFields, newerThan } from './newer-versions.ts';

// Says which newer versions of what Rollgate knows the Go module proxy has, and which fields their CustomResourceDefinitions
// add. The proxy is that of `go env GOPROXY`.

/** What is not in `DEFINITION_SOURCES`: only its versions matter. */
const OTHERS = [
  tested('Kubernetes', 'kubernetes/go.mod', 'k8s.io/kubernetes'),
  tested('cert-manager', 'cert-manager/go.mod', 'github.com/cert-manager/cert-manager'),
  {
    title: 'Gateway API plugin',
    module: 'github.com/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi',
    version: `v${NEWEST_KNOWN_GATEWAY_PLUGIN.join('.')}`,
  },
];

function tested(title: string, file: string, module: string): { title: string; module: string; version: string } {
  return { title, module, version: `v${versionIn(file, module)}` };
}

function go(...args: readonly string[]): string {
  return execFileSync('go', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
}

function reasonOf(error: unknown): string {
  const stderr = typeof error === 'object' && error !== null ? (Reflect.get(error, 'stderr') as unknown) : undefined;
  const text = typeof stderr === 'string' && stderr !== '' ? stderr : messageOf(error);
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}

try {
  go('version');
} catch {
  console.error('upstream:check needs Go: install it, and run it again');
  process.exit(2);
}

let known = 0;
for (const { title, module, version, ...rest } of [...DEFINITION_SOURCES, ...OTHERS]) {
  let newer: string[];
  try {
    newer = newerThan(version, go('list', '-m', '-versions', module).trim().split(' ').slice(1));
    known++;
  } catch (error) {
    console.error(`${title}: the Go module proxy does not list its versions (${reasonOf(error)})`);
    continue;
  }
  const newest = newer.at(-1);
  console.log(`${title} ${version}: ${newest === undefined ? 'nothing newer' : `newer are ${newer.join(', ')}`}`);
  if (newest === undefined || !('files' in rest)) continue;
  try {
    const source = { title, module, version, ...rest };
    const added = addedFields(definitionsIn(source, version), definitionsIn(source, newest));
    console.log(added.length === 0 ? `  ${newest} adds no field` : `  ${newest} adds:\n    ${added.join('\n    ')}`);
  } catch (error) {
    console.error(`  ${newest} cannot be read (${reasonOf(error)})`);
  }
}
if (known === 0) {
  console.error('no versions could be read: check the network, and GOPROXY of `go env`');
  process.exitCode = 2;
}
