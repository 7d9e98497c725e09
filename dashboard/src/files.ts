import { useEffect, useRef, useState } from 'preact/hooks';
import type { GivenFiles } from '../../src/dashboard/messages.ts';
import { joined } from './joined.ts';
import { callServer } from './server.ts';

/** Whether files were given on the command line. */
export const HAS_FILES = document.querySelector<HTMLMetaElement>('meta[name=files]')?.content === 'yes';

/** The files that were given on the command line, as the page sees them. */
export interface Files {
  readonly notes: readonly string[];
  /** The text of the files, where it differs from what a person has edited. */
  readonly changed: string | undefined;
  /** Whether their text is what is shown. */
  readonly isShown: boolean;
  /** Shows the files, in place of what is shown. */
  readonly load: () => void;
}

/**
 * Follows the files: they are loaded as they change, unless somebody has edited the text.
 *
 * @param loadsFirst - Whether they are shown at first, and not the state of a link.
 */
export function useFiles(loadsFirst: boolean, text: string, setText: (text: string) => void): Files {
  const [notes, setNotes] = useState<readonly string[]>([]);
  const [changed, setChanged] = useState<string>();
  const loaded = useRef<string | undefined>(loadsFirst ? '' : undefined);
  const latest = useRef<string>(undefined);
  const current = useRef(text);
  current.current = text;
  const load = (next: string): void => {
    loaded.current = next;
    setChanged(undefined);
    setText(next);
  };
  useEffect(() => {
    if (!HAS_FILES) return undefined;
    return poll((given) => {
      setNotes(given.notes);
      const next = joined(given.files);
      latest.current = next;
      if (next === current.current) setChanged(undefined);
      else if (current.current === loaded.current) load(next);
      else setChanged(next);
    });
  }, []);
  return {
    notes,
    changed,
    isShown: text === latest.current,
    load: () => latest.current !== undefined && load(latest.current),
  };
}

const LOOK_EVERY = 1_000;

// Not a stream: a browser has six connections to a server, and each page would take one for as long as it is open.
function poll(onChange: (given: GivenFiles) => void): () => void {
  let version = '';
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (isAsking || document.hidden) return;
    isAsking = true;
    try {
      const response = await callServer(`/api/files?version=${encodeURIComponent(version)}`);
      if (response.status === 200) {
        const given = (await response.json()) as GivenFiles;
        version = given.version;
        onChange(given);
      }
    } catch {
      // Said at the next question.
    }
    isAsking = false;
  };
  const onVisible = (): void => void look();
  const timer = window.setInterval(() => void look(), LOOK_EVERY);
  document.addEventListener('visibilitychange', onVisible);
  void look();
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', onVisible);
  };
}
