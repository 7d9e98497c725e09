import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { asArray, dig, optionalString } from '../world/read.ts';

/**
 * Makes users with a `tokenFile` use the token in that file, re-read like a pod's token. client-go's clientcmd/api/v1
 * has this field; client-node 2.0.1 ignores it, and such users would be anonymous.
 * @param kubeconfig - The file that was loaded; undefined means kubectl's defaults.
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
    // The error was reported when the configuration was loaded, or the file does not exist.
    return [];
  }
  return asArray(dig(content, 'users')).flatMap((entry) => {
    const [name, tokenFile] = [optionalString(dig(entry, 'name')), optionalString(dig(entry, 'user', 'tokenFile'))];
    return name === undefined || tokenFile === undefined
      ? []
      : [{ name, tokenFile: resolve(dirname(file), tokenFile) }];
  });
}
