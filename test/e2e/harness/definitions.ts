import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sourceOf } from '../../control-plane/build.ts';

/** A CustomResourceDefinition as its project publishes it. */
export interface Definition {
  readonly name: string;
  /** Its YAML document. It is never parsed here: the schemas are large. */
  readonly text: string;
}

// An API server pays for each one: schemas, rules of CEL, the watches of the garbage collector. So only those are
// installed that the controllers here read, and their fixtures hold.
const ISTIO = ['destinationrules', 'gateways', 'virtualservices'].map((name) => `${name}.networking.istio.io`);
const GATEWAY_API = ['gateways', 'grpcroutes', 'httproutes', 'tcproutes', 'tlsroutes'];

/** Returns the CustomResourceDefinitions of Istio and Gateway API, from their Go modules. */
export async function meshDefinitions(): Promise<Definition[]> {
  const istio = join(await sourceOf('istio.io/api'), 'kubernetes', 'customresourcedefinitions.gen.yaml');
  const gateway = join(await sourceOf('sigs.k8s.io/gateway-api'), 'config', 'crd', 'experimental');
  const definitions = [
    ...(await definitionsIn(istio)).filter(({ name }) => ISTIO.includes(name)),
    ...(
      await Promise.all(
        GATEWAY_API.map((name) => definitionsIn(join(gateway, `gateway.networking.k8s.io_${name}.yaml`))),
      )
    ).flat(),
  ];
  const missing = ISTIO.length + GATEWAY_API.length - definitions.length;
  if (missing !== 0) throw new Error(`${missing} definitions of Istio or Gateway API are not where they were`);
  return definitions;
}

/** Returns the CustomResourceDefinitions of Argo Rollouts. */
export async function rolloutsDefinitions(): Promise<Definition[]> {
  return definitionsIn(await rolloutsManifests());
}

/** Returns the path of upstream's manifests of Argo Rollouts. */
export async function rolloutsManifests(): Promise<string> {
  return join(await sourceOf('github.com/argoproj/argo-rollouts'), 'manifests', 'install.yaml');
}

/** Returns the YAML documents in a text that are not CustomResourceDefinitions, joined. */
export function withoutDefinitions(text: string): string {
  return documentsIn(text)
    .filter((document) => !isDefinition(document))
    .join('---\n');
}

/** Returns definitions as one YAML text. */
export function textOf(definitions: readonly Definition[]): string {
  return definitions.map(({ text }) => text).join('---\n');
}

async function definitionsIn(path: string): Promise<Definition[]> {
  return documentsIn(await readFile(path, 'utf8'))
    .filter(isDefinition)
    .map((text) => ({ name: /^metadata:\n(?: .*\n)*? {2}name: (\S+)$/m.exec(text)?.[1] ?? '', text }));
}

function documentsIn(text: string): string[] {
  return text.split(/^---\n/m);
}

function isDefinition(document: string): boolean {
  return /^kind: CustomResourceDefinition$/m.test(document);
}
