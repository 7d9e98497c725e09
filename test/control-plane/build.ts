import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { helm } from '../../scripts/helm.ts';

const run = promisify(execFile);

// Without these flags, kube-apiserver reports `v0.0.0-master`. kubectl and the controller treat that as older than any
// version that they support.
const KUBERNETES = 'k8s.io/component-base/version';
const VERSION = `-X ${KUBERNETES}.gitVersion=v1.34.1 -X ${KUBERNETES}.gitMajor=1 -X ${KUBERNETES}.gitMinor=34`;

/**
 * The versions of Argo Rollouts that Rollgate is compared with. Their packages have the same paths, so one source is built
 * with each. For a further version, add a row and its module file.
 */
export const ROLLOUTS_MODULES = { '1.9': 'go.mod', '1.10': 'v1.10.mod' } as const;

/** A version of Argo Rollouts. */
export type RolloutsVersion = keyof typeof ROLLOUTS_MODULES;

/** All versions, the oldest first. */
export const ROLLOUTS_VERSIONS = Object.keys(ROLLOUTS_MODULES) as RolloutsVersion[];

const ROLLOUTS = 'argo-rollouts';

interface Peer {
  /** The folder of its go.mod. */
  readonly module: string;
  readonly package: string;
  /** Further flags of `go build`. */
  readonly flags?: readonly string[];
}

// Without the main package, no coverage counters are written.
const COVERED = ['github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation', './cmd/oracle'];

/** The programs of a real control plane. Each is a package of an upstream module or of this folder. */
export const PEERS = {
  etcd: { module: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  kubectl: { module: 'kubernetes', package: 'k8s.io/kubernetes/cmd/kubectl' },
  'rollouts-controller': {
    module: ROLLOUTS,
    package: 'github.com/argoproj/argo-rollouts/cmd/rollouts-controller',
  },
  oracle: { module: ROLLOUTS, package: './cmd/oracle' },
  'oracle-coverage': {
    module: ROLLOUTS,
    package: './cmd/oracle',
    flags: ['-cover', `-coverpkg=${COVERED.join(',')}`],
  },
  'kubectl-argo-rollouts': {
    module: ROLLOUTS,
    package: 'github.com/argoproj/argo-rollouts/cmd/kubectl-argo-rollouts',
  },
  'argo-cd-health': { module: 'argo-cd', package: '.' },
  'cert-manager': { module: 'cert-manager', package: '.' },
  'route-plugin': { module: ROLLOUTS, package: './cmd/route-plugin' },
} as const satisfies Record<string, Peer>;

/** The name of a program. */
export type PeerName = keyof typeof PEERS;

const HERE = import.meta.dirname;
const CACHE = join(HERE, '..', '..', '.cache', 'control-plane');

/**
 * Returns the path of a program: the one in `KUBEBUILDER_ASSETS` if it exists, else one that Go builds from its module.
 * It is built at most once for each state of that module.
 *
 * @param version - The version of Argo Rollouts, for a program of that module.
 * @throws Error - With Go's message, if the build fails.
 */
export async function binary(name: PeerName, version: RolloutsVersion = '1.9'): Promise<string> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const asset = version === '1.9' ? name : `${name}-${version}`;
  if (assets !== undefined && existsSync(join(assets, asset))) return join(assets, asset);
  const peer: Peer = PEERS[name];
  const file = peer.module === ROLLOUTS ? ROLLOUTS_MODULES[version] : 'go.mod';
  const folder = join(CACHE, `${peer.module}-${stateOf(join(HERE, peer.module), file, peer.flags)}`);
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  // Two test runs may build at the same time, and neither may see an incomplete program.
  const building = `${path}.${process.pid}`;
  try {
    const flags = [`-modfile=${file}`, ...(peer.flags ?? []), '-ldflags', `-s -w ${VERSION}`];
    await run('go', ['build', ...flags, '-o', building, peer.package], {
      cwd: join(HERE, peer.module),
      maxBuffer: 64 * 1024 * 1024,
    });
    await rename(building, path);
  } finally {
    await rm(building, { force: true });
  }
  return path;
}

const SOURCES = {
  'github.com/argoproj/argo-rollouts': ROLLOUTS,
  'github.com/cert-manager/cert-manager': 'cert-manager',
  'istio.io/api': 'crds',
  'sigs.k8s.io/gateway-api': 'crds',
} as const;

/**
 * Returns the folder of the source of an upstream module in Go's module cache, for its CRDs, charts and examples.
 *
 * @param version - The version of Argo Rollouts, for that module.
 * @throws Error - With Go's message, if the module cannot be downloaded.
 */
export async function sourceOf(path: keyof typeof SOURCES, version: RolloutsVersion = '1.9'): Promise<string> {
  const module = SOURCES[path];
  const release = releaseIn(module, module === ROLLOUTS ? ROLLOUTS_MODULES[version] : 'go.mod', path);
  const { stdout } = await run('go', ['mod', 'download', '-json', `${path}@${release}`], {
    cwd: join(HERE, module),
  });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

/** Returns the release of Argo Rollouts that stands for a version, such as `v1.10.2`. */
export function rolloutsRelease(version: RolloutsVersion): string {
  return releaseIn(ROLLOUTS, ROLLOUTS_MODULES[version], 'github.com/argoproj/argo-rollouts');
}

function releaseIn(module: string, file: string, path: string): string {
  const required = new RegExp(String.raw`^(?:require)?\s*${path.replaceAll('.', '[.]')} (v\S+)`, 'm');
  const release = required.exec(readFileSync(join(HERE, module, file), 'utf8'))?.[1];
  if (release === undefined) throw new Error(`${module}/${file} requires no ${path}`);
  return release;
}

// Programs of another version of the same module do not change with this one.
function stateOf(folder: string, file: string, flags: readonly string[] = []): string {
  const own = new Set([file, file.replace(/mod$/, 'sum')]);
  const hash = createHash('sha256');
  for (const flag of flags) hash.update(flag);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    if ((own.has(name) || name.endsWith('.go')) && statSync(path).isFile())
      hash.update(name).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 12);
}

if (import.meta.main) {
  console.log(helm());
  for (const name of Object.keys(PEERS) as PeerName[]) console.log(await binary(name));
  for (const version of ROLLOUTS_VERSIONS)
    for (const name of ['oracle', 'oracle-coverage'] as const) console.log(await binary(name, version));
}
