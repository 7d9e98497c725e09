import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KeyPair } from '../../../src/server/certificate.ts';

const run = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/**
 * A certificate authority as cert-manager makes it for the chart: its certificate may be renewed, and its key stays.
 */
export class Authority {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Creates an authority with `openssl`. */
  static async make(): Promise<Authority> {
    const authority = new Authority(await mkdtemp(join(tmpdir(), 'rollgate-ca-')));
    await authority.#openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
      '-days',
      '30',
      '-subj',
      '/CN=rollgate-ca',
    );
    return authority;
  }

  /** The certificate of the authority. */
  get certificate(): Promise<string> {
    return this.#read('ca.crt');
  }

  /** Renews the certificate for the same key. */
  async renew(): Promise<void> {
    await this.#openssl('req', '-x509', '-key', 'ca.key', '-out', 'ca.crt', '-days', '60', '-subj', '/CN=rollgate-ca');
  }

  /** Returns a new key, and a certificate for a DNS name. */
  async issue(name: string): Promise<KeyPair> {
    await this.#openssl(
      'req',
      ...KEY,
      '-keyout',
      'tls.key',
      '-out',
      'tls.csr',
      '-subj',
      `/CN=${name}`,
      '-addext',
      `subjectAltName=DNS:${name}`,
      '-addext',
      'extendedKeyUsage=serverAuth',
    );
    await this.#openssl(
      'x509',
      '-req',
      '-in',
      'tls.csr',
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-days',
      '10',
      '-copy_extensions',
      'copy',
      '-out',
      'tls.crt',
    );
    return { cert: await this.#read('tls.crt'), key: await this.#read('tls.key') };
  }

  /** Deletes its files. */
  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #read(name: string): Promise<string> {
    return readFile(join(this.#folder, name), 'utf8');
  }

  async #openssl(...args: string[]): Promise<void> {
    await run('openssl', args, { cwd: this.#folder });
  }
}
