import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { selfSigned, type CertificateNames, type KeyPair } from './certificate.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { Poller } from './poller.ts';
import { messageOf } from '../world/error.ts';

/** A certificate that matches its key. */
export interface Certificate extends KeyPair {
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;
}

/** The source of the serving certificate. */
export interface CertificateSource {
  readonly current: Certificate;
  /** Calls the listener with each certificate that replaces the current one. */
  onChange(listener: (certificate: Certificate) => void): void;
  /** Returns why the current certificate is only a placeholder, or undefined if it is not. */
  whyMissing?(): string | undefined;
  stop(): void | Promise<void>;
}

/**
 * Returns why a certificate is not valid at a time, or undefined.
 * @param now - Milliseconds since the epoch.
 */
export function whyInvalid({ notBefore, notAfter }: Certificate, now: number): string | undefined {
  if (now > notAfter.getTime()) return `the certificate expired at ${notAfter.toISOString()}`;
  if (now < notBefore.getTime()) return `the certificate is not valid before ${notBefore.toISOString()}`;
  return undefined;
}

/**
 * Parses a certificate (or a chain that starts with it) and its key.
 * @throws An Error that says what is wrong, without any part of the key.
 */
export function readCertificate({ cert, key }: KeyPair): Certificate {
  const leaf = attempt('tls.crt contains no certificate', () => new X509Certificate(cert));
  const privateKey = attempt('tls.key contains no private key', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(privateKey)) throw new Error('tls.key does not match the certificate in tls.crt');
  attempt('tls.crt and tls.key cannot be used for TLS', () => createSecureContext({ cert, key }));
  return {
    cert,
    key,
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    fingerprint: leaf.fingerprint256,
  };
}

/**
 * Returns a new self-signed certificate, valid for 825 days: the longest that browsers and operating systems accept.
 */
export function generatedCertificate(names: CertificateNames): CertificateSource {
  const now = Date.now();
  const pair = selfSigned({ names, notBefore: new Date(now - HOUR), notAfter: new Date(now + 825 * 24 * HOUR) });
  return { current: readCertificate(pair), onChange: () => undefined, stop: () => undefined };
}

const HOUR = 3_600_000;

/** Options of `PolledCertificate`. */
export interface PolledOptions {
  /** Milliseconds between two checks. */
  readonly interval: number;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'reloaded' | 'serving'>;
  now(): number;
}

/**
 * A certificate that is looked at every few seconds. A changed pair that does not match, or is not valid now, is
 * rejected and the previous one stays active.
 */
export abstract class PolledCertificate implements CertificateSource {
  readonly #options: PolledOptions;
  readonly #poller: Poller;
  #current: Certificate;
  #listeners: ((certificate: Certificate) => void)[] = [];
  #lastError = '';

  protected constructor(options: PolledOptions, current: Certificate) {
    this.#options = options;
    this.#current = current;
    this.#poller = new Poller(() => this.check(), options.interval);
  }

  /** Where the certificate comes from, for the log. */
  protected abstract readonly place: Readonly<Record<string, string>>;

  /** Returns the certificate if it is another one than the current one. Rejects if there is none that can be used. */
  protected abstract changed(): Promise<Certificate | undefined>;

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

  /** Checks once. Never rejects. */
  async check(): Promise<void> {
    const { log, metrics, now } = this.#options;
    try {
      const fresh = await this.changed();
      if (fresh === undefined) {
        this.#lastError = '';
        return;
      }
      const invalid = whyInvalid(fresh, now());
      if (invalid !== undefined) throw new Error(invalid);
      for (const listener of this.#listeners) listener(fresh);
      this.#current = fresh;
      this.#lastError = '';
      metrics.reloaded('certificate', 'success');
      metrics.serving(fresh.notAfter);
      log.info({ notAfter: fresh.notAfter, fingerprint: fresh.fingerprint }, 'certificate reloaded');
    } catch (error) {
      metrics.reloaded('certificate', 'error');
      const reason = messageOf(error);
      if (reason !== this.#lastError) this.report(reason);
      this.#lastError = reason;
    }
  }

  /** Logs why the certificate cannot be used. */
  protected report(reason: string): void {
    this.#options.log.error(
      { ...this.place, reason, notAfter: this.#current.notAfter },
      'cannot use the new certificate; the previous one stays active',
    );
  }
}

/** Options of `FileCertificate`. */
export interface FileOptions extends PolledOptions {
  /** The directory of `tls.crt` and `tls.key`, mounted from a Secret of type kubernetes.io/tls. */
  readonly directory: string;
}

/**
 * A certificate in files, whose content is checked every few seconds: the kubelet swaps a symbolic link two levels up,
 * which file events miss from the second time on.
 */
export class FileCertificate extends PolledCertificate {
  readonly #directory: string;

  /**
   * Reads the files and starts to watch them. Rejects with an Error that names the directory if there is no usable pair.
   * An expired pair is served, but the server is not ready.
   */
  static async open(options: FileOptions): Promise<FileCertificate> {
    const { directory, metrics } = options;
    let certificate: Certificate;
    try {
      certificate = readCertificate(await readPair(directory));
    } catch (error) {
      throw new Error(`cannot use the certificate in ${directory}: ${messageOf(error)}`, { cause: error });
    }
    metrics.serving(certificate.notAfter);
    return new FileCertificate(options, certificate);
  }

  private constructor(options: FileOptions, current: Certificate) {
    super(options, current);
    this.#directory = options.directory;
  }

  protected get place(): { readonly directory: string } {
    return { directory: this.#directory };
  }

  protected async changed(): Promise<Certificate | undefined> {
    const pair = await readPair(this.#directory);
    if (pair.cert === this.current.cert && pair.key === this.current.key) return undefined;
    try {
      return readCertificate(pair);
    } catch (error) {
      // The link may have been swapped between the two files.
      const again = await readPair(this.#directory);
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

function attempt<T>(message: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(code === undefined ? message : `${message} (${code})`);
  }
}
