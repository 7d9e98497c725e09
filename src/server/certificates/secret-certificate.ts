import {
  generatedCertificate,
  PolledCertificate,
  readCertificate,
  type Certificate,
  type PolledOptions,
} from '../tls.ts';
import type { CertificateNames } from '../certificate.ts';
import type { SecretData } from './secret-content.ts';

/** Options of `SecretCertificate`. */
export interface SecretOptions extends PolledOptions {
  /** The Secret, `NAMESPACE/NAME`, for messages. */
  readonly secret: string;
  readonly names: CertificateNames;
  /** Reads the Secret from the API server. */
  read(): Promise<SecretData>;
}

/**
 * The certificate in a Secret, read from the API server every few seconds. The kubelet would take a minute or more to
 * mount what has changed. Until the Secret has a certificate, a placeholder is served and the server is not ready.
 */
export class SecretCertificate extends PolledCertificate {
  readonly #options: SecretOptions;
  readonly #placeholder: Certificate;

  /** Reads the Secret and starts to watch it. */
  static async open(options: SecretOptions): Promise<SecretCertificate> {
    const certificate = new SecretCertificate(options, generatedCertificate(options.names).current);
    await certificate.check();
    return certificate;
  }

  private constructor(options: SecretOptions, placeholder: Certificate) {
    super(options, placeholder);
    this.#options = options;
    this.#placeholder = placeholder;
  }

  /** Returns that there is no certificate yet, or undefined. */
  whyMissing(): string | undefined {
    return this.current === this.#placeholder ? `Secret ${this.#options.secret} has no certificate yet` : undefined;
  }

  protected async changed(): Promise<Certificate | undefined> {
    const { 'tls.crt': cert = '', 'tls.key': key = '' } = await this.#options.read();
    if (cert === this.current.cert && key === this.current.key) return undefined;
    if (cert === '' && this.whyMissing() !== undefined) return undefined;
    return readCertificate({ cert, key });
  }

  protected get place(): { readonly secret: string } {
    return { secret: this.#options.secret };
  }

  protected override report(reason: string): void {
    if (this.whyMissing() === undefined) super.report(reason);
    else this.#options.log.error({ ...this.place, reason }, 'cannot read a certificate from the Secret; trying again');
  }
}
