import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { helm } from '../../scripts/helm.ts';

const run = promisify(execFile);

// A kube-apiserver that does not know its version answers `v0.0.0-master`, which kubectl and the controller read as
// older than anything they support.
const KUBERNETES = 'k8s.io/component-base/version';
const VERSION = `-X ${KUBERNETES}.gitVersion=v1.34.1 -X ${KUBERNETES}.gitMajor=1 -X ${KUBERNETES}.gitMinor=34`;

interface Peer {
  /** The folder with its go.mod. */
  readonly module: string;
  readonly package: string;
  /** Further flags of `go build`. */
  readonly flags?: readonly string[];
}

// Without the package of main nothing writes the counters down.
const COVERED = ['github.com/argoproj/argo-rollouts/pkg/apis/rollouts/validation', './cmd/oracle'];

/** The programs of a real control plane, each a package of an upstream module or of the folder's own. */
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
  'route-plugin': { module: 'argo-rollouts', package: './cmd/route-plugin' },
} as const satisfies Record<string, Peer>;

/** The name of one of the programs. */
export type PeerName = keyof typeof PEERS;

const HERE = import.meta.dirname;
const CACHE = join(HERE, '..', '..', '.cache', 'control-plane');

/**
 * In: the name of a program. Out: its path: the one in `KUBEBUILDER_ASSETS` if it is there, or one built from its Go
 * module, at most once for each state of that module. Rejects with Go's own message.
 */
export async function binary(name: PeerName): Promise<string> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets !== undefined && existsSync(join(assets, name))) return join(assets, name);
  const peer: Peer = PEERS[name];
  const folder = join(CACHE, `${peer.module}-${stateOf(join(HERE, peer.module), peer.flags)}`);
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  // Two test runs may build at once; neither must see half a program.
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
  'istio.io/api': 'crds',
  'sigs.k8s.io/gateway-api': 'crds',
} as const;

/**
 * In: the path of an upstream module. Out: the folder that Go keeps its source in: CRDs and examples are read from
 * there. Rejects with Go's own message.
 */
export async function sourceOf(path: keyof typeof SOURCES): Promise<string> {
  const cwd = join(HERE, SOURCES[path]);
  // Listed first: `download` wants the version, and go.mod is what knows it.
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
