import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { helm } from '../../scripts/helm.ts';
import {
  buildOf,
  kubernetesRelease,
  releaseIn,
  ROLLOUTS_VERSIONS,
  rolloutsVersion,
  type ModuleName,
  type RolloutsVersion,
} from './versions.ts';

const run = promisify(execFile);

// The module of Argo Rollouts can be built in several versions. Its packages have the same paths in all of them.
const ROLLOUTS = 'argo-rollouts';

interface Peer {
  readonly module: ModuleName;
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
  argocd: { module: 'argo-cd', package: 'github.com/argoproj/argo-cd/v3/cmd' },
  'cert-manager': { module: 'cert-manager', package: '.' },
  'kustomize-controller': { module: 'flux', package: 'github.com/fluxcd/kustomize-controller' },
  kyverno: { module: 'kyverno', package: 'github.com/kyverno/kyverno/cmd/kyverno' },
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
 * @param version - The version of Argo Rollouts, for a program of that module; by default that of the environment.
 * @throws Error - With Go's message, if the build fails.
 */
export async function binary(name: PeerName, version: RolloutsVersion = rolloutsVersion()): Promise<string> {
  const peer: Peer = PEERS[name];
  const { file, toolchain } = buildOf(peer.module, version);
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const asset = file === 'go.mod' ? name : `${name}-${file.replace(/^v|[.]mod$/g, '')}`;
  if (assets !== undefined && existsSync(join(assets, asset))) return join(assets, asset);
  const folder = join(CACHE, `${peer.module}-${stateOf(join(HERE, peer.module), file, peer.flags)}`);
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  // Two test runs may build at the same time, and neither may see an incomplete program.
  const building = `${path}.${process.pid}`;
  try {
    const flags = [`-modfile=${file}`, ...(peer.flags ?? []), '-ldflags', `-s -w ${versionFlags(peer.module)}`];
    await run('go', ['build', ...flags, '-o', building, peer.package], {
      cwd: join(HERE, peer.module),
      env: goEnvironment(toolchain),
      maxBuffer: 64 * 1024 * 1024,
    });
    await rename(building, path);
  } finally {
    await rm(building, { force: true });
  }
  return path;
}

// Without these flags, kube-apiserver reports `v0.0.0-master`. kubectl and the controller treat that as older than any
// version that they support.
function versionFlags(module: ModuleName): string {
  // What the others say of themselves does not matter, and must not make them differ by the version of Kubernetes.
  const release = module === 'kubernetes' ? kubernetesRelease() : 'v1.34.1';
  const [major, minor] = release.slice(1).split('.');
  const package_ = 'k8s.io/component-base/version';
  return `-X ${package_}.gitVersion=${release} -X ${package_}.gitMajor=${major} -X ${package_}.gitMinor=${minor}`;
}

function goEnvironment(toolchain: string | undefined): NodeJS.ProcessEnv {
  return toolchain === undefined ? process.env : { ...process.env, GOTOOLCHAIN: toolchain };
}

const SOURCES = {
  'github.com/argoproj/argo-cd/v3': 'argo-cd',
  'github.com/argoproj/argo-rollouts': ROLLOUTS,
  'github.com/cert-manager/cert-manager': 'cert-manager',
  'github.com/fluxcd/kustomize-controller': 'flux',
  'github.com/kyverno/kyverno': 'kyverno',
  'istio.io/api': 'crds',
  'sigs.k8s.io/gateway-api': 'crds',
} as const;

/**
 * Returns the folder of the source of an upstream module in Go's module cache, for its CRDs, charts and examples.
 *
 * @param version - The version of Argo Rollouts, for that module; by default that of the environment.
 * @throws Error - With Go's message, if the module cannot be downloaded.
 */
export async function sourceOf(
  path: keyof typeof SOURCES,
  version: RolloutsVersion = rolloutsVersion(),
): Promise<string> {
  const module = SOURCES[path];
  const { file, toolchain } = buildOf(module, version);
  const { stdout } = await run('go', ['mod', 'download', '-json', `${path}@${releaseIn(module, file, path)}`], {
    cwd: join(HERE, module),
    env: goEnvironment(toolchain),
  });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
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
  // The gate runs neither Flux nor Kyverno: the tests of Flux and the bench build them.
  for (const name of Object.keys(PEERS) as PeerName[])
    if (!name.startsWith('oracle') && !['kustomize-controller', 'kyverno'].includes(name))
      console.log(await binary(name));
  for (const version of ROLLOUTS_VERSIONS)
    for (const name of ['oracle', 'oracle-coverage'] as const) console.log(await binary(name, version));
}
