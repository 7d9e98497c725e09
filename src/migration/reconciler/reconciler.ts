import { nextAction, whyNotApplied, type Action } from '../next-action.ts';
import { differs } from '../apply-diff.ts';
import {
  CONVERTED_FROM,
  migrationAnnotationsOf,
  OWN_ANNOTATIONS,
  POLICY_UIDS,
  REPLICAS,
  ROLLOUT_UID,
  SUSPENDED,
  uidOf,
} from '../annotations.ts';
import { adviceFor } from '../advice.ts';
import { contentOf } from '../../world/content.ts';
import { keyFor, keyOf, namespaceOf, type KubeObject, type ObjectKey } from '../../world/object.ts';
import { dig } from '../../world/read.ts';
import { ReconcilerMemory } from './memory.ts';
import { concernsConversion, observeLive, observeCached, type Snapshot, type Sources } from './observe.ts';
import type { Logger } from '../../cluster/reflector.ts';
import { ApiError } from '../../cluster/api-error.ts';
import { PolicyReplaced, Unprotected, type PolicyGuard } from './policy-guard.ts';
import { type MigrationEvent, type Writer } from './writer.ts';
import { messageOf } from '../../world/error.ts';

/** What the reconciler is made of. */
export interface ReconcilerOptions {
  readonly sources: Omit<Sources, 'rollouts'>;
  readonly writer: Writer;
  readonly guard: PolicyGuard;
  readonly log: Logger;
  /** Returns whether this process may act, and has read enough to. */
  mayAct(): boolean;
  /** Called after each action. */
  acted?(action: Action['do'], result: 'success' | 'error'): void;
  /** Milliseconds between two checks of all Deployments that concern conversion. */
  readonly resync?: number;
}

const RESYNC = 30_000;
// Deployments reconciled at the same time; an API server has other clients.
const WORKERS = 8;
// Actions in a row, each after an observation of the API server. What is left is done the next time.
const STEPS = 8;
const TICK = 250;

/**
 * Makes Rollouts of Deployments that admission accepted for conversion, and reverts that. It observes, does the one
 * next action (`nextAction`), and observes again. All its state is in the cluster; its memory only saves requests to
 * the API server.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #sources: Sources;
  readonly #memory = new ReconcilerMemory();
  /** When each Deployment is due, by the clock of `performance`. */
  readonly #due = new Map<ObjectKey, number>();
  readonly #active = new Map<ObjectKey, Promise<void>>();
  readonly #origins = new Map<ObjectKey, ObjectKey>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAtAll = Number.NEGATIVE_INFINITY;
  #acting = false;
  #stopped = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#sources = { ...options.sources, rollouts: (namespace) => options.writer.rollouts(namespace) };
  }

  /** Starts reconciling until `stop`. */
  start(): void {
    this.#timer = setInterval(() => this.#pump(), TICK);
    this.#timer.unref();
  }

  /** Stops. Resolves when no action is in progress. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all(this.#active.values());
  }

  /**
   * Tells the reconciler that an object was created, changed or deleted. Cheap for objects that do not concern
   * conversion.
   */
  changed(key: ObjectKey): void {
    const [kind = '', namespace = '', name = ''] = key.split('/');
    if (kind === 'Deployment.apps') {
      const { world } = this.#sources;
      const found = world.get(kind, namespace, name);
      if (found.state === 'present' && concernsConversion(found.object, world)) this.#enqueue(key, 0);
      else this.#memory.forget(key);
    } else if (kind === 'Rollout.argoproj.io') {
      const found = this.#sources.world.get(kind, namespace, name);
      const from = found.state === 'present' ? dig(found.object.metadata, 'annotations', CONVERTED_FROM) : undefined;
      if (typeof from === 'string') this.#origins.set(key, keyFor('Deployment.apps', namespace, from));
      const origin = this.#origins.get(key);
      if (origin === undefined) return;
      if (found.state !== 'present') this.#origins.delete(key);
      this.#enqueue(origin, 0);
    }
  }

  #enqueue(key: ObjectKey, milliseconds: number): void {
    const at = performance.now() + milliseconds;
    this.#due.set(key, Math.min(at, this.#due.get(key) ?? Number.POSITIVE_INFINITY));
    if (milliseconds === 0 && this.#acting) this.#pump();
  }

  #pump(): void {
    if (this.#stopped) return;
    this.#acting = this.#options.mayAct();
    if (!this.#acting) {
      this.#lookedAtAll = Number.NEGATIVE_INFINITY;
      return;
    }
    const now = performance.now();
    if (now - this.#lookedAtAll > (this.#options.resync ?? RESYNC)) {
      this.#lookedAtAll = now;
      this.#enqueueAll(now);
    }
    for (const [key, at] of this.#due) {
      if (this.#active.size >= WORKERS) return;
      if (at > now || this.#active.has(key)) continue;
      this.#due.delete(key);
      const work = this.#reconcile(key).finally(() => {
        this.#active.delete(key);
        this.#pump();
      });
      this.#active.set(key, work);
    }
  }

  #enqueueAll(now: number): void {
    const { world } = this.#sources;
    const listing = world.list('Deployment.apps', undefined);
    if (listing.state === 'unknown') return;
    for (const deployment of listing.objects)
      if (concernsConversion(deployment, world) && !this.#due.has(keyOf(deployment)))
        this.#due.set(keyOf(deployment), now);
  }

  /** Reconciles one Deployment. Never rejects. */
  async #reconcile(key: ObjectKey): Promise<void> {
    try {
      const seen = observeCached(key, this.#sources);
      if (seen === undefined) return;
      const kept = whyNotApplied(seen);
      if (kept !== undefined)
        await this.#tell(key, seen.deployment, { type: 'Warning', reason: 'ProfileNotApplied', message: kept });
      // The cache tells whether there is anything to do; the API server tells what.
      const likely = await this.#next(key, seen);
      if (likely.do === 'nothing' || (likely.do === 'wait' && likely.tell !== true)) return this.#rest(key, likely);
      for (let step = 0; step < STEPS && this.#options.mayAct(); step++) {
        const now = await observeLive(key, this.#sources);
        if (now === undefined) return;
        const action = await this.#next(key, now);
        // While it observed, another process may have taken the Lease.
        if (!this.#options.mayAct()) break;
        if (action.do === 'wait' && action.tell === true)
          await this.#tell(key, now.deployment, { type: 'Normal', reason: 'GoingBackWaits', message: action.because });
        if (action.do === 'nothing' || action.do === 'wait') return this.#rest(key, action);
        await this.#act(key, action, now);
      }
      this.#enqueue(key, TICK);
    } catch (error) {
      const pause = this.#memory.failed(key);
      this.#options.log.warn({ deployment: key, reason: messageOf(error), pause }, 'a conversion failed; trying again');
      this.#enqueue(key, pause);
    }
  }

  async #next(key: ObjectKey, seen: Snapshot): Promise<Action> {
    const { rendered } = seen;
    const { profile, policyUids: noted } = migrationAnnotationsOf(seen.deployment);
    const action = nextAction({
      ...seen,
      appliedInVain: rendered !== undefined && this.#memory.appliedInVain(key, contentOf(rendered)),
      refusal: this.#memory.refusal(key, seen.deployment, Date.now()),
      policyUids: profile === undefined ? undefined : await this.#options.guard.uids(noted),
    });
    const pause =
      action.do === 'scale-deployment' && action.replicas === 0 ? this.#memory.pauseBeforeScalingDown(key) : 0;
    return pause === 0
      ? action
      : { do: 'wait', milliseconds: pause, because: 'another client keeps scaling the Deployment up' };
  }

  #rest(key: ObjectKey, action: Extract<Action, { do: 'nothing' | 'wait' }>): void {
    if (action.do === 'wait') this.#enqueue(key, action.milliseconds);
  }

  async #act(key: ObjectKey, action: Exclude<Action, { do: 'nothing' | 'wait' }>, seen: Snapshot): Promise<void> {
    const { deployment } = seen;
    const { log, acted } = this.#options;
    try {
      const event = await this.#carryOut(key, action, seen);
      this.#memory.succeeded(key);
      acted?.(action.do, 'success');
      log.info(
        {
          deployment: key,
          action: action.do,
          ...('because' in action ? { because: action.because } : {}),
          ...('replicas' in action ? { replicas: action.replicas } : {}),
        },
        'conversion',
      );
      if (event !== undefined) await this.#tell(key, deployment, event);
    } catch (error) {
      acted?.(action.do, 'error');
      if (action.do !== 'create') throw error;
      // Another client has created one of that name meanwhile: observe again.
      if (error instanceof PolicyReplaced || (error instanceof ApiError && error.status === 409)) return;
      // No answer counts as well: a webhook that hangs must not keep the pods away.
      const reason = messageOf(error);
      const first = this.#memory.refused(key, reason);
      if (!first) return;
      log.warn({ deployment: key, reason }, 'cannot create the Rollout');
      await this.#tell(key, deployment, {
        type: 'Warning',
        reason: error instanceof Unprotected ? 'ConversionPolicyMissing' : 'RolloutRefused',
        message: `cannot create Rollout "${action.rollout.metadata.name}": ${reason}`,
      });
    }
  }

  /** Carries an action out. Returns the event to report, if any. */
  async #carryOut(
    key: ObjectKey,
    action: Exclude<Action, { do: 'nothing' | 'wait' }>,
    seen: Snapshot,
  ): Promise<MigrationEvent | undefined> {
    const { writer } = this.#options;
    const { deployment, rollout } = seen;
    switch (action.do) {
      case 'create':
        return this.#create(key, deployment, action.rollout);
      case 'record':
      case 'note':
      case 'suspend':
      case 'forget':
        await writer.annotate(deployment, annotationsOf(action));
        return eventOf(action);
      case 'scale-deployment':
        if (action.replicas === 0) this.#memory.scaledDown(key);
        await writer.scale(deployment, action.replicas);
        return normal(
          action.replicas === 0 ? 'DeploymentScaledDown' : 'DeploymentScaledUp',
          `scaled to ${action.replicas}: ${action.because}`,
        );
      case 'scale-rollout':
        if (rollout !== undefined) await writer.scale(rollout, action.replicas);
        return normal('RolloutScaled', `Rollout scaled to ${action.replicas}`);
      case 'apply': {
        if (rollout === undefined) return undefined;
        const applied = await writer.apply(rollout, action.rollout);
        if (differs(applied, action.rollout)) this.#memory.noteInVain(key, contentOf(action.rollout));
        return undefined;
      }
      case 'patch-rollout':
        await writer.patch(action.rollout, action.operations);
        return normal('GoingBack', action.because);
      case 'delete-rollout':
        await writer.remove(action.rollout);
        return normal(
          'RolloutDeleted',
          `Rollout "${action.rollout.metadata.name}" was deleted: the Deployment runs its own pods`,
        );
    }
  }

  async #create(key: ObjectKey, deployment: KubeObject, rollout: KubeObject): Promise<MigrationEvent | undefined> {
    const { writer, guard, mayAct } = this.#options;
    const protection = await guard.protection();
    if ('why' in protection) throw new Unprotected(protection.why);
    if (migrationAnnotationsOf(deployment).policyUids !== protection.uids) throw new PolicyReplaced();
    const created = await writer.create(rollout);
    this.#memory.accepted(key);
    // The present holder of the Lease may have gone further. It records what was created and not recorded.
    if (!mayAct()) return undefined;
    await writer.annotate(deployment, { [ROLLOUT_UID]: uidOf(created), [SUSPENDED]: undefined });
    await this.#advise(key, deployment, created.metadata.name);
    return normal(
      'RolloutCreated',
      `Rollout "${created.metadata.name}" was created and runs the pods of this Deployment from now on`,
    );
  }

  async #advise(key: ObjectKey, deployment: KubeObject, rollout: string): Promise<void> {
    for (const message of adviceFor(deployment, rollout, this.#sources.world, { covered: 'nothing' }))
      await this.#tell(key, deployment, { type: 'Warning', reason: 'ChangeNeeded', message });
  }

  // A failed event must not stop the conversion.
  async #tell(key: ObjectKey, deployment: KubeObject, event: MigrationEvent): Promise<void> {
    if (!this.#memory.isNews(key, `${event.reason} ${event.message}`)) return;
    await this.#options.writer.tell(deployment, event).catch((error: unknown) => {
      this.#options.log.warn(
        { deployment: key, namespace: namespaceOf(deployment), reason: messageOf(error) },
        'cannot write an Event',
      );
    });
  }
}

type Annotating = Extract<Action, { do: 'record' | 'note' | 'suspend' | 'forget' }>;

function annotationsOf(action: Annotating): Record<string, string | undefined> {
  switch (action.do) {
    case 'record':
      return {
        [ROLLOUT_UID]: action.uid,
        [SUSPENDED]: undefined,
        ...(action.policyUids === undefined ? {} : { [POLICY_UIDS]: action.policyUids }),
      };
    case 'note':
      return { [REPLICAS]: String(action.replicas) };
    case 'suspend':
      return {
        [SUSPENDED]: `${action.code}: ${action.reason}`,
        ...(action.code === 'rollout-deleted' ? { [ROLLOUT_UID]: undefined } : {}),
      };
    case 'forget':
      return Object.fromEntries(OWN_ANNOTATIONS.map((annotation) => [annotation, undefined]));
  }
}

function eventOf(action: Annotating): MigrationEvent | undefined {
  switch (action.do) {
    case 'record':
      return undefined;
    case 'note':
      return normal(
        'ScaledByDeployment',
        `the Deployment was scaled to ${action.replicas}: its Rollout gets the same number of pods`,
      );
    case 'suspend':
      return {
        type: 'Warning',
        reason: 'ConversionSuspended',
        message: `${action.reason}; the Deployment runs its own pods`,
      };
    case 'forget':
      return normal('ConvertedBack', 'the Deployment is a plain Deployment again');
  }
}

function normal(reason: string, message: string): MigrationEvent {
  return { type: 'Normal', reason, message };
}
