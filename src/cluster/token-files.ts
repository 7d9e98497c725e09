import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { asArray, dig, optionalString } from '../world/read.ts';

/**
 * In: a KubeConfig that was loaded, from a file or (undefined) from where kubectl looks. Changes it so that users with
 * a `tokenFile` (client-go's clientcmd/api/v1; client-node 2.0.1 passes over it, and they would be anonymous) have the
 * token in that file, read again as a pod's is.
 */
export function useTokenFiles(config: KubeConfig, kubeconfig: string | undefined): void {
  const files =
    kubeconfig === undefined
      ? (process.env['KUBECONFIG'] ?? join(homedir(), '.kube', 'config')).split(delimiter)
      : [kubeconfig];
  const found = files.flatMap(tokenFiles);
  config.users = config.users.map((user) => {
    const tokenFile = found.find(({ name }) => name === user.name)?.tokenFile;
    if (tokenFile === undefined || user.token !== undefined) return user;
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
  });
}

function tokenFiles(file: string): { name: string; tokenFile: string }[] {
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch {
    // Whoever loaded the configuration has said so already, or there is none.
    return [];
  }
  return asArray(dig(content, 'users')).flatMap((entry) => {
    const [name, tokenFile] = [optionalString(dig(entry, 'name')), optionalString(dig(entry, 'user', 'tokenFile'))];
    return name === undefined || tokenFile === undefined
      ? []
      : [{ name, tokenFile: resolve(dirname(file), tokenFile) }];
  });
}
