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
    module: 'argo-rollouts',
    package: 'github.com/argoproj/argo-rollouts/cmd/rollouts-controller',
  },
  oracle: { module: 'argo-rollouts', package: './cmd/oracle' },
  'oracle-coverage': {
    module: 'argo-rollouts',
    package: './cmd/oracle',
    flags: ['-cover', `-coverpkg=${COVERED.join(',')}`],
  },
  'kubectl-argo-rollouts': {
    module: 'argo-rollouts',
    package: 'github.com/argoproj/argo-rollouts/cmd/kubectl-argo-rollouts',
  },
  'argo-cd-health': { module: 'argo-cd', package: '.' },
  'cert-manager': { module: 'cert-manager', package: '.' },
  'route-plugin': { module: 'argo-rollouts', package: './cmd/route-plugin' },
} as const satisfies Record<string, Peer>;

/** The name of a program. */
export type PeerName = keyof typeof PEERS;

const HERE = import.meta.dirname;
const CACHE = join(HERE, '..', '..', '.cache', 'control-plane');

/**
 * Returns the path of a program: the one in `KUBEBUILDER_ASSETS` if it exists, else one that Go builds from its module.
 * It is built at most once for each state of that module.
 *
 * @throws Error - With Go's message, if the build fails.
 */
export async function binary(name: PeerName): Promise<string> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && existsSync(join(assets, name))) return join(assets, name);
  const peer: Peer = PEERS[name];
  const folder = join(CACHE, `${peer.module}-${stateOf(join(HERE, peer.module), peer.flags)}`);
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  // Two test runs may build at the same time, and neither may see an incomplete program.
  const building = `${path}.${process.pid}`;
  try {
    await run('go', ['build', ...(peer.flags ?? []), '-ldflags', `-s -w ${VERSION}`, '-o', building, peer.package], {
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
  'github.com/argoproj/argo-rollouts': 'argo-rollouts',
  'github.com/cert-manager/cert-manager': 'cert-manager',
  'istio.io/api': 'crds',
  'sigs.k8s.io/gateway-api': 'crds',
} as const;

/**
 * Returns the folder of the source of an upstream module in Go's module cache, for its CRDs, charts and examples.
 *
 * @throws Error - With Go's message, if the module cannot be downloaded.
 */
export async function sourceOf(path: keyof typeof SOURCES): Promise<string> {
  const cwd = join(HERE, SOURCES[path]);
  // `go mod download` needs the version, which `go list` reads from go.mod.
  const { stdout: version } = await run('go', ['list', '-m', '-f', '{{.Version}}', path], { cwd });
  const { stdout } = await run('go', ['mod', 'download', '-json', `${path}@${version.trim()}`], { cwd });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}

function stateOf(folder: string, flags: readonly string[] = []): string {
  const hash = createHash('sha256');
  for (const flag of flags) hash.update(flag);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    if (/\.(go|mod|sum)$/.test(name) && statSync(path).isFile()) hash.update(name).update(readFileSync(path));
  }
  return hash.digest('hex').slice(0, 12);
}

if (import.meta.main) {
  console.log(helm());
  for (const name of Object.keys(PEERS) as PeerName[]) console.log(await binary(name));
}
