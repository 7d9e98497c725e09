import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { Io } from '../../src/commands/io.ts';

/** What a command wrote. */
export interface Written extends Io {
  readonly out: () => string;
  readonly err: () => string;
}

/** In: where a command runs, and what differs from a plain pipe. Out: what it is given, and what it wrote. */
export function io(
  cwd: string,
  given: { readonly stdin?: string; readonly isTTY?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
): Written {
  const written = { out: '', err: '' };
  return {
    cwd,
    env: given.env ?? {},
    isTTY: given.isTTY ?? false,
    stdin: Readable.from([given.stdin ?? '']),
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    out: () => written.out,
    err: () => written.err,
  };
}

/** In: files by name. Out: a directory of them, gone when the test is over. */
export function directory(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rollgate-test-')));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

/** In: a name and an apiVersion. Out: a manifest with little in it. */
export function service(name: string, namespace = 'shop'): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec:\n  selector: { app: cart }\n  ports: [{ port: 80 }]\n`;
}

/**
 * A Rollout that nothing is wrong with by itself; its VirtualService is `cart`, of which it names the route `primary`.
 */
export const ROLLOUT = `apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: cart, namespace: shop }
spec:
  selector:
    matchLabels: { app: cart }
  strategy:
    canary:
      stableService: cart-stable
      canaryService: cart-canary
      trafficRouting:
        istio:
          virtualService: { name: cart, routes: [primary] }
  template:
    metadata:
      labels: { app: cart }
    spec:
      containers:
        - { name: cart, image: registry.example.com/cart:1.4.0, ports: [{ containerPort: 80 }] }
`;

/** In: the name of its only http route. Out: the VirtualService `cart`. */
export function virtualService(route: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: cart, namespace: shop }
spec:
  hosts: [cart]
  http:
    - name: ${route}
      route:
        - { destination: { host: cart-stable }, weight: 100 }
        - { destination: { host: cart-canary }, weight: 0 }
`;
}

/** In: the name of the route. Out: a whole bundle, one document after the other. */
export function bundle(route: string): string[] {
  return [ROLLOUT, virtualService(route), service('cart-stable'), service('cart-canary')];
}
