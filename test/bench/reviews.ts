import { requestBytes } from './client.ts';
import { applications, changeFor } from './world.ts';

const BODIES = 1_000;

/** Returns distinct AdmissionReviews: the changes of the bench in turn, over all applications. */
export function reviews(rollouts: number): string[] {
  const apps = applications(rollouts);
  return Array.from({ length: BODIES }, (_, index) => {
    const app = apps[(index * 7_919) % apps.length];
    if (app === undefined) throw new Error('no application');
    // Half of the requests go to each webhook, and both see every kind.
    const { before, after } = changeFor(app, index >> 1);
    const { name, namespace } = after.metadata;
    const [version, group = ''] = after.apiVersion.split('/').reverse();
    const request = {
      uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
      kind: { group, version, kind: after.kind },
      resource: { group, version, resource: `${after.kind.toLowerCase()}s` },
      name,
      namespace,
      operation: 'UPDATE',
      userInfo: { username: 'dev', groups: ['system:authenticated'] },
      object: after,
      oldObject: before,
      dryRun: false,
    };
    return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request });
  });
}

/**
 * Returns requests with these bodies, for both webhooks in turn.
 *
 * @param suffix - What a server wants after the path of the webhook.
 */
export function requestsWith(bodies: readonly string[], suffix = ''): Buffer[] {
  return bodies.map((body, index) => requestBytes(`${index % 2 === 0 ? '/validate' : '/mutate'}${suffix}`, body));
}
