import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned, type KeyPair } from '../../src/server/certificate.ts';

const DAY = 86_400_000;

/**
 * In: from when until when it is valid, in days from now. Out: an ECDSA certificate for `localhost` and 127.0.0.1, made
 * now, which is its own authority.
 */
export function certificate({ from = -1, until = 30 }: { from?: number; until?: number } = {}): KeyPair {
  const now = Date.now();
  return selfSigned({
    names: ['localhost', '127.0.0.1'],
    notBefore: new Date(now + from * DAY),
    notAfter: new Date(now + until * DAY),
  });
}

/**
 * A Secret as the kubelet mounts it: `tls.crt` and `tls.key` link to `..data/`, and `..data` links to a directory that
 * is never changed, only replaced.
 */
export class MountedSecret {
  readonly directory: string;
  #version = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** In: what the Secret holds, by file name. Out: it, mounted in a new directory. */
  static async mount(files: Readonly<Record<string, string>>): Promise<MountedSecret> {
    const secret = new MountedSecret(await mkdtemp(join(tmpdir(), 'secret-')));
    await secret.update(files);
    for (const name of Object.keys(files)) await symlink(join('..data', name), join(secret.directory, name));
    return secret;
  }

  /**
   * Puts other content there the way the kubelet does: a new directory, the link `..data` renamed over the old one, the
   * old directory removed.
   */
  async update(files: Readonly<Record<string, string>>): Promise<void> {
    const old = `..version_${this.#version}`;
    const fresh = `..version_${++this.#version}`;
    await mkdir(join(this.directory, fresh));
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.directory, fresh, name), content);
    await symlink(fresh, join(this.directory, '..data_tmp'));
    await rename(join(this.directory, '..data_tmp'), join(this.directory, '..data'));
    await rm(join(this.directory, old), { recursive: true, force: true });
  }

  /** Removes it. */
  async unmount(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** In: a certificate and its key. Out: them under the names of a Secret of type kubernetes.io/tls. */
export function asFiles({ cert, key }: KeyPair): Record<string, string> {
  return { 'tls.crt': cert, 'tls.key': key };
}
