import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { asString, dig } from '../src/world/read.ts';

/** A project whose CustomResourceDefinitions Rollgate knows. */
interface DefinitionSource {
  readonly title: string;
  readonly group: string;
  /** The Go module, and the newest version of it that Rollgate knows. */
  readonly module: string;
  readonly version: string;
  /** The files of the definitions in the module. */
  readonly files: readonly string[];
}

/** Where the fields of the newest known versions come from. */
export const DEFINITION_SOURCES: readonly DefinitionSource[] = [
  {
    title: 'Argo Rollouts',
    group: 'argoproj.io',
    module: 'github.com/argoproj/argo-rollouts',
    version: 'v1.10.1',
    files: ['rollout', 'analysis-template', 'cluster-analysis-template', 'experiment'].map(
      (name) => `manifests/crds/${name}-crd.yaml`,
    ),
  },
  {
    title: 'Istio',
    group: 'networking.istio.io',
    module: 'istio.io/api',
    version: 'v1.32.0',
    files: ['kubernetes/customresourcedefinitions.gen.yaml'],
  },
  {
    title: 'Gateway API',
    group: 'gateway.networking.k8s.io',
    module: 'sigs.k8s.io/gateway-api',
    version: 'v1.6.3',
    files: ['http', 'grpc', 'tcp', 'tls'].map(
      (name) => `config/crd/experimental/gateway.networking.k8s.io_${name}routes.yaml`,
    ),
  },
];

/**
 * Returns the CustomResourceDefinitions of a version of a project, from its Go module.
 * @throws Error - With Go's message, if the module cannot be downloaded.
 */
export function definitionsIn({ module, files }: DefinitionSource, version: string): unknown[] {
  const folder = downloaded(`${module}@${version}`);
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as unknown),
  );
}

function downloaded(module: string): string {
  const { stdout, stderr } = spawnSync('go', ['mod', 'download', '-json', module], { encoding: 'utf8' });
  const result: unknown = JSON.parse(stdout === '' ? '{}' : stdout);
  const folder = asString(dig(result, 'Dir'));
  // With -json, Go writes the error of a module to standard output.
  if (folder === '') throw new Error(asString(dig(result, 'Error')) || stderr.trim());
  return folder;
}
