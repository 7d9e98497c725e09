import type fc from 'fast-check';
import { dig, asString } from '../../src/world/read.ts';
import { drawn, text, type Fields, type Json } from './draw.ts';
import { mutated } from './mutations.ts';
import { bundle, type Bundle } from './rollouts.ts';

/** A bundle, and the number of mutations between it and one that the controller accepts. */
export interface Case {
  readonly mutations: number;
  readonly objects: Bundle;
}

/**
 * Returns bundles of a Rollout and the objects around it. Some are valid; others are one to three mutations away from a
 * valid one.
 */
export function cases(): fc.Arbitrary<Case> {
  return drawn((draw) => {
    const mutations = draw.pick(0, 1, 1, 1, 2, 3);
    let objects = bundle(draw);
    for (let made = 0; made < mutations; made++) objects = mutated(objects, draw);
    return { mutations, objects: withoutStrayTemplates(objects) };
  });
}

// Upstream has no verdict on a combination of templates that no analysis uses.
function withoutStrayTemplates(objects: Bundle): Bundle {
  const used = new Set<Fields>();
  const queue: Fields[] = objects.filter(({ kind }) => kind === 'Rollout');
  for (let holder = queue.pop(); holder !== undefined; holder = queue.pop()) {
    const names = namesIn(holder['spec'] ?? null);
    for (const object of objects) {
      if (used.has(object) || !isTemplate(object) || !names.has(nameOf(object))) continue;
      used.add(object);
      queue.push(object);
    }
  }
  return objects.filter(
    (object) => !isTemplate(object) || used.has(object) || dig(object, 'spec', 'templates') === undefined,
  );
}

function isTemplate({ kind }: Fields): boolean {
  return text(kind).endsWith('AnalysisTemplate');
}

function nameOf(object: Fields): string {
  return asString(dig(object, 'metadata', 'name'));
}

function namesIn(value: Json): ReadonlySet<string> {
  if (typeof value !== 'object' || value === null) return new Set();
  return new Set(
    Object.entries(value).flatMap(([key, inner]) => (key === 'templateName' ? [text(inner)] : [...namesIn(inner)])),
  );
}
