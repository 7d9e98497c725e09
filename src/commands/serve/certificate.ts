import type { Log } from '../../server/log.ts';
import type { Metrics } from '../../server/metrics.ts';
import { FileCertificate, generatedCertificate, type CertificateSource } from '../../server/tls.ts';
import { POLL_INTERVAL, type ServeOptions } from './options.ts';

/**
 * Returns the certificate of the HTTPS port: that of `--cert-dir`, or a generated one where manifests are served.
 *
 * @throws Error with a sentence for the user when there is none.
 */
export async function certificateOf(
  { certDir, manifests }: Pick<ServeOptions, 'certDir' | 'manifests'>,
  log: Log,
  metrics: Metrics,
): Promise<CertificateSource> {
  if (certDir !== undefined)
    return FileCertificate.open({ directory: certDir, interval: POLL_INTERVAL, log, metrics, now: Date.now });
  if (manifests === undefined)
    throw new Error('a certificate is required: name the directory of tls.crt and tls.key with --cert-dir');
  const certificate = generatedCertificate(['localhost', '127.0.0.1']);
  metrics.serving(certificate.current.notAfter);
  return certificate;
}
