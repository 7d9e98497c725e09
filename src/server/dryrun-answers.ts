import { CollectedAnswers, type Question, type ReadScope, type RecordedAnswers } from '../admission/recording-world.ts';
import { sizeOf } from '../cluster/size.ts';
import type { Listing, World } from '../world/world.ts';
import { MOST_QUESTIONS } from './dryrun-job.ts';

// What a dry run learns about the cluster is copied by the thread that answers admission requests. It is copied in pieces,
// between which that thread answers others.
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_LISTING_BYTES = 2 * 1024 * 1024;
const PIECE_BYTES = 256 * 1024;
const PIECE_QUESTIONS = 200;

/** What one dry run may still ask. */
export interface Room {
  bytes: number;
  questions: number;
}

/** Some answers, and whether others follow. */
export interface Piece {
  readonly answers: RecordedAnswers;
  readonly more: boolean;
}

/** Returns what one dry run may ask. */
export function newRoom(): Room {
  return { bytes: MOST_BYTES, questions: MOST_QUESTIONS };
}

/**
 * Returns the answers to questions in pieces of about 256 KiB, and takes them from the room. A listing of more than 2
 * MiB is unknown. Ends with `too much` if the objects do not fit into the room.
 *
 * @param may - Returns whether the user may read a kind in a namespace.
 */
export function* answerInPieces(
  questions: readonly Question[],
  world: World,
  may: (scope: ReadScope) => boolean,
  room: Room,
): Generator<Piece | 'too much'> {
  const bounded: World = {
    versions: world.versions,
    fields: world.fields,
    get: (kind, namespace, name) => world.get(kind, namespace, name),
    list: (kind, namespace) => boundedListing(world.list(kind, namespace)),
    referrers: (key) => world.referrers(key),
  };
  for (let next = 0; next < questions.length;) {
    const end = Math.min(next + PIECE_QUESTIONS, questions.length);
    const answers = new CollectedAnswers();
    let bytes = 0;
    for (; next < end && bytes < PIECE_BYTES; next++) {
      const question = questions[next];
      if (question === undefined) break;
      bytes += sizeOfAll(answers.answer(question, bounded, may), room.bytes - bytes);
      if (bytes > room.bytes) {
        yield 'too much';
        return;
      }
    }
    room.bytes -= bytes;
    yield { answers, more: next < questions.length };
  }
}

function boundedListing(listing: Listing): Listing {
  return listing.state === 'known' && sizeOfAll(listing.objects, MOST_LISTING_BYTES) > MOST_LISTING_BYTES
    ? { state: 'unknown', reason: 'too many objects for a dry run' }
    : listing;
}

function sizeOfAll(objects: readonly unknown[], limit: number): number {
  let size = 0;
  for (const object of objects) {
    size += sizeOf(object, limit - size);
    if (size > limit) break;
  }
  return size;
}
