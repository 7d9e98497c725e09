import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { selfSigned, type KeyPair } from './certificate.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Poller } from './poller.ts';
import { messageOf } from '../world/error.ts';

/** A certificate that was found to fit its key. */
export interface Certificate extends KeyPair {
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
}

/** Where the serving certificate comes from. */
export interface CertificateSource {
  readonly current: Certificate;
  /** In: called with each certificate that replaces the one before. */
  onChange(listener: (certificate: Certificate) => void): void;
  stop(): void;
}

/** In: a certificate, and milliseconds since the epoch. Out: why it is not valid then, or undefined. */
export function whyInvalid({ notBefore, notAfter }: Certificate, now: number): string | undefined {
  if (now > notAfter.getTime()) return `the certificate expired at ${notAfter.toISOString()}`;
  if (now < notBefore.getTime()) return `the certificate is not valid before ${notBefore.toISOString()}`;
  return undefined;
}

/**
 * In: a certificate (or a chain, its own first) and a key. Out: them, read. Throws an Error that says what is wrong,
 * without any part of the key.
 */
export function readCertificate({ cert, key }: KeyPair): Certificate {
  const leaf = attempt('tls.crt holds no certificate', () => new X509Certificate(cert));
  const privateKey = attempt('tls.key holds no private key', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) throw new Error('tls.key is not the key of the certificate in tls.crt');
  attempt('tls.crt and tls.key are not usable for TLS', () => createSecureContext({ cert, key }));
  return {
    cert,
    key,
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    fingerprint: leaf.fingerprint256,
  };
}

/**
 * In: the names to certify. Out: a certificate made now, signed with itself, for as long as browsers and operating
 * systems accept: 825 days.
 */
export function generatedCertificate(names: CertificateNames): CertificateSource {
  const now = Date.now();
  const pair = selfSigned({ names, notBefore: new Date(now - HOUR), notAfter: new Date(now + 825 * 24 * HOUR) });
  return { current: readCertificate(pair), onChange: () => undefined, stop: () => undefined };
}

const HOUR = 3_600_000;

type CertificateNames = readonly [string, ...string[]];

/** What a certificate in files needs around it. */
export interface FileOptions {
  /** The directory of `tls.crt` and `tls.key`, as a Secret of type kubernetes.io/tls is mounted. */
  readonly directory: string;
  /** Milliseconds between two looks. */
  readonly interval: number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reloaded' | 'serving'>;
  now(): number;
}

/**
 * A certificate in files, looked at every few seconds by content: the kubelet swaps a symbolic link two levels up,
 * which file events miss from the second time on. A pair that does not fit, or is not valid now, is refused and the old
 * one stays.
 */
export class FileCertificate implements CertificateSource {
  readonly #options: FileOptions;
  readonly #poller: Poller;
  #current: Certificate;
  #listeners: ((certificate: Certificate) => void)[] = [];
  #complaint = '';

  /**
   * In: where the files are. Out: the source, watching. Rejects with an Error that names the file when there is no
   * usable pair; one that is out of date is served, but never counts as ready.
   */
  static async open(options: FileOptions): Promise<FileCertificate> {
    const certificate = readCertificate(await readPair(options.directory));
    options.metrics.serving(certificate.notAfter);
    return new FileCertificate(options, certificate);
  }

  private constructor(options: FileOptions, current: Certificate) {
    this.#options = options;
    this.#current = current;
    this.#poller = new Poller(() => this.check(), options.interval);
  }

  get current(): Certificate {
    return this.#current;
  }

  onChange(listener: (certificate: Certificate) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    this.#poller.stop();
    this.#listeners = [];
  }

  /** Looks at the files once. Never rejects. */
  async check(): Promise<void> {
    const { log, metrics, now } = this.#options;
    try {
      const fresh = await this.#changed();
      if (fresh === undefined) {
        this.#complaint = '';
        return;
      }
      const invalid = whyInvalid(fresh, now());
      if (invalid !== undefined) throw new Error(invalid);
      for (const listener of this.#listeners) listener(fresh);
      this.#current = fresh;
      this.#complaint = '';
      metrics.reloaded('certificate', 'success');
      metrics.serving(fresh.notAfter);
      log.info({ notAfter: fresh.notAfter, fingerprint: fresh.fingerprint }, 'certificate reloaded');
    } catch (error) {
      metrics.reloaded('certificate', 'error');
      const complaint = messageOf(error);
      if (complaint !== this.#complaint)
        log.error(
          { reason: complaint, notAfter: this.#current.notAfter },
          'the changed certificate is refused, the old one stays',
        );
      this.#complaint = complaint;
    }
  }

  async #changed(): Promise<Certificate | undefined> {
    const { directory } = this.#options;
    const pair = await readPair(directory);
    if (pair.cert === this.#current.cert && pair.key === this.#current.key) return undefined;
    try {
      return readCertificate(pair);
    } catch (error) {
      // The link may have been swapped between the two files.
      const again = await readPair(directory);
      if (again.cert === pair.cert && again.key === pair.key) throw error;
      return readCertificate(again);
    }
  }
}

async function readPair(directory: string): Promise<KeyPair> {
  const [cert, key] = await Promise.all([
    readFile(join(directory, 'tls.crt'), 'utf8'),
    readFile(join(directory, 'tls.key'), 'utf8'),
  ]);
  return { cert, key };
}

function attempt<T>(complaint: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === undefined ? complaint : `${complaint} (${code})`);
  }
}
