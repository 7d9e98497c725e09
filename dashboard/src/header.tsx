import { useLayoutEffect, useState } from 'preact/hooks';
import { EXAMPLES } from './examples.ts';
import { HAS_FILES, type Files } from './files.ts';
import { fragmentOf, type SharedState } from './link.ts';
import { setTheme, storedTheme, THEMES, type Theme } from './theme.ts';

interface HeaderProps {
  readonly state: SharedState;
  /** Called with the text of an example. */
  readonly onExample: (text: string) => void;
  /** The files that were given on the command line. */
  readonly files: Files;
}

const FILES = 'files';

/** The name, the examples, the link and the theme. */
export function Header({ state, onExample, files }: HeaderProps) {
  const open = EXAMPLES.findIndex(({ text }) => text === state.manifests);
  const shown = open >= 0 ? String(open) : files.isShown ? FILES : '';
  return (
    <header>
      <h1>Rollgate</h1>
      <label>
        <span>Example</span>
        <select
          value={shown}
          onChange={(event) => {
            const example = EXAMPLES[Number(event.currentTarget.value)];
            if (event.currentTarget.value === FILES) files.load();
            else if (example !== undefined) onExample(example.text);
            event.currentTarget.value = shown;
          }}
        >
          <option value="" disabled>
            Choose…
          </option>
          {HAS_FILES && <option value={FILES}>Your files</option>}
          {EXAMPLES.map(({ name }, index) => (
            <option key={name} value={index}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <span class="space" />
      <CopyLink state={state} />
      <ThemeChoice />
    </header>
  );
}

function CopyLink({ state }: { readonly state: SharedState }) {
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => {
    const link = `${location.origin}${location.pathname}${await fragmentOf(state)}`;
    history.replaceState(null, '', link);
    try {
      await navigator.clipboard.writeText(link);
      setSaid('copied');
    } catch {
      setSaid('the link is in the address bar');
    }
  };
  return (
    <>
      <span class="said" role="status">
        {said}
      </span>
      <button type="button" class="quiet" onClick={() => void copy()}>
        Copy link
      </button>
    </>
  );
}

function ThemeChoice() {
  const [theme, choose] = useState<Theme>(storedTheme);
  // Before it is painted: else a page that is dark begins with a light flash.
  useLayoutEffect(() => setTheme(theme), [theme]);
  return (
    <label>
      <span>Theme</span>
      <select
        value={theme}
        onChange={(event) => choose(THEMES.find((each) => each === event.currentTarget.value) ?? 'auto')}
      >
        {THEMES.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </label>
  );
}
