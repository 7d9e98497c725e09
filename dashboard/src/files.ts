import { useEffect, useRef, useState } from 'preact/hooks';
import type { GivenFiles } from '../../src/dashboard/messages.ts';

/** Whether files were given on the command line. */
export const HAS_FILES = document.querySelector<HTMLMetaElement>('meta[name=files]')?.content === 'yes';

/** The files that were given on the command line, as the page sees them. */
export interface Files {
  readonly notes: readonly string[];
  /** The text of the files, where it differs from what a person has edited. */
  readonly changed: string | undefined;
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
  const current = useRef(text);
  current.current = text;
  const load = (next: string): void => {
    loaded.current = next;
    setChanged(undefined);
    setText(next);
  };
  useEffect(() => {
    if (!HAS_FILES) return undefined;
    const source = new EventSource('/api/files');
    source.addEventListener('files', (event: MessageEvent<string>) => {
      const given = JSON.parse(event.data) as GivenFiles;
      setNotes(given.notes);
      const next = joined(given);
      if (next === current.current) setChanged(undefined);
      else if (current.current === loaded.current) load(next);
      else setChanged(next);
    });
    return () => source.close();
  }, []);
  return { notes, changed, load: () => changed !== undefined && load(changed) };
}

function joined({ files }: GivenFiles): string {
  const [only] = files;
  if (files.length === 1 && only !== undefined) return only.text;
  return files.map(({ name, text }) => `# ${name}\n${text.replace(/^---\n/, '').trimEnd()}\n`).join('---\n');
}
