import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import type { Io } from '../../src/commands/io.ts';

/** The output of a command. */
export interface Written extends Io {
  readonly out: () => string;
  readonly err: () => string;
}

/** Returns streams and settings for a command, and what it wrote to them. By default they are plain pipes. */
export function io(
  cwd: string,
  given: { readonly stdin?: string; readonly isTTY?: boolean; readonly env?: Readonly<Record<string, string>> } = {},
): Written {
  const written = { out: '', err: '' };
  return {
    cwd,
    env: given.env ?? {},
    pause: () => Promise.resolve(),
    isTTY: given.isTTY ?? false,
    stdin: Readable.from([given.stdin ?? '']),
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    out: () => written.out,
    err: () => written.err,
  };
}

/** Creates a directory with files, which the end of the test removes. */
export function directory(files: Readonly<Record<string, string>>): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rollgate-test-')));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

/** Returns the manifest of a minimal Service. */
export function service(name: string, namespace = 'shop'): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: "${name}", namespace: ${namespace} }\nspec:\n  selector: { app: cart }\n  ports: [{ port: 80 }]\n`;
}

/** A Rollout that is valid by itself. It names the VirtualService `cart` and its route `primary`. */
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

/** Returns the VirtualService `cart` with a single http route. */
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

/** Returns the documents of a bundle whose VirtualService has this route. */
export function bundle(route: string): string[] {
  return [ROLLOUT, virtualService(route), service('cart-stable'), service('cart-canary')];
}
