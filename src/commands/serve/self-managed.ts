import { LeaderLease } from '../../cluster/lease.ts';
import { certificateApi } from '../../server/certificates/api.ts';
import type { CertificateNames } from '../../server/certificate.ts';
import { CertificateRotator } from '../../server/certificates/rotator.ts';
import { SecretCertificate } from '../../server/certificates/secret-certificate.ts';
import type { Log } from '../../server/log.ts';
import type { Metrics } from '../../server/metrics.ts';
import type { CertificateSource } from '../../server/tls.ts';
import { kubeConfigOf } from '../cluster.ts';
import { namespacedName, newHolder } from './lease-options.ts';
import type { ServeOptions } from './options.ts';

// Milliseconds between two checks. Short, because at a fresh install no replica is ready before it has read the Secret.
const INTERVAL = 2_000;

/**
 * Returns the certificate in the Secret of `--certificate-secret`. The holder of the Lease of the same name keeps it.
 *
 * @throws Error with a sentence for the user when an option is missing or invalid.
 */
export async function selfManagedCertificate(
  options: ServeOptions,
  log: Log,
  metrics: Metrics,
): Promise<CertificateSource> {
  const { certificateSecret: secret = '', certificateService, webhookConfigurations: webhooks } = options;
  if (certificateService === undefined || webhooks === undefined)
    throw new Error('--certificate-secret needs --certificate-service and --webhook-configurations');
  const [namespace, name] = namespacedName('--certificate-secret', secret);
  const [serviceNamespace, service] = namespacedName('--certificate-service', certificateService);
  const names: CertificateNames = [
    `${service}.${serviceNamespace}.svc`,
    `${service}.${serviceNamespace}.svc.cluster.local`,
  ];
  const kubeConfig = kubeConfigOf(options);
  const api = certificateApi(kubeConfig, { namespace, secret: name, webhooks });
  const lease = new LeaderLease({
    kubeConfig,
    namespace,
    name,
    identity: newHolder(),
    task: 'renews the certificate',
    log,
  });
  const rotator = new CertificateRotator({
    api,
    names,
    interval: INTERVAL,
    log,
    mayAct: () => lease.leading,
    now: Date.now,
    monotonic: () => performance.now(),
  });
  lease.start();
  rotator.start();
  const certificate = await SecretCertificate.open({
    secret,
    names,
    interval: INTERVAL,
    log,
    metrics,
    now: Date.now,
    read: async () => (await api.secret()).data,
  });
  return {
    get current() {
      return certificate.current;
    },
    onChange: (listener) => certificate.onChange(listener),
    whyMissing: () => certificate.whyMissing(),
    async stop() {
      certificate.stop();
      rotator.stop();
      await lease.stop();
    },
  };
}
