import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selfSigned, type KeyPair } from '../../src/server/certificate.ts';

const DAY = 86_400_000;

/**
 * Returns a self-signed ECDSA certificate for `localhost` and 127.0.0.1.
 *
 * @param options - Start and end of its validity, in days from now.
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
 * A Secret as the kubelet mounts it. `tls.crt` and `tls.key` are links into `..data/`, and `..data` is a link to a
 * directory. The kubelet never changes that directory; it replaces it.
 */
export class MountedSecret {
  readonly directory: string;
  #version = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Mounts a Secret in a new directory.
   *
   * @param files - The content of the Secret, by file name.
   */
  static async mount(files: Readonly<Record<string, string>>): Promise<MountedSecret> {
    const secret = new MountedSecret(await mkdtemp(join(tmpdir(), 'secret-')));
    await secret.update(files);
    for (const name of Object.keys(files)) await symlink(join('..data', name), join(secret.directory, name));
    return secret;
  }

  /**
   * Replaces the content as the kubelet does: writes a new directory, renames the new link `..data` over the old one,
   * and removes the old directory.
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

  /** Removes the mounted directory. */
  async unmount(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Returns a certificate and its key as the files of a Secret of type kubernetes.io/tls. */
export function asFiles({ cert, key }: KeyPair): Record<string, string> {
  return { 'tls.crt': cert, 'tls.key': key };
}
