import type { Log } from '../../server/log.ts';
import type { Metrics } from '../../server/metrics.ts';
import { FileCertificate, generatedCertificate, type CertificateSource } from '../../server/tls.ts';
import { POLL_INTERVAL, type ServeOptions } from './options.ts';

/**
 * Returns the certificate of the HTTPS port: that of `--cert-dir` or `--certificate-secret`, or a generated one where
 * manifests are served.
 *
 * @throws Error with a sentence for the user when there is none.
 */
export async function certificateOf(options: ServeOptions, log: Log, metrics: Metrics): Promise<CertificateSource> {
  const { certDir, certificateSecret, manifests } = options;
  if (certificateSecret !== undefined) {
    if (certDir !== undefined) throw new Error('use either --cert-dir or --certificate-secret');
    if (manifests !== undefined) throw new Error('--certificate-secret needs a cluster: remove it, or --manifests');
    // The client library is large, and the other certificates do without it.
    const { selfManagedCertificate } = await import('./self-managed.ts');
    return selfManagedCertificate(options, log, metrics);
  }
  for (const [name, value] of [
    ['--certificate-service', options.certificateService],
    ['--webhook-configurations', options.webhookConfigurations],
  ] as const)
    if (value !== undefined) throw new Error(`${name} has no effect without --certificate-secret`);
  if (certDir !== undefined)
    return FileCertificate.open({ directory: certDir, interval: POLL_INTERVAL, log, metrics, now: Date.now });
  if (manifests === undefined)
    throw new Error(
      'a certificate is required: name the directory of tls.crt and tls.key with --cert-dir, or a Secret with --certificate-secret',
    );
  const certificate = generatedCertificate(['localhost', '127.0.0.1']);
  metrics.serving(certificate.current.notAfter);
  return certificate;
}
