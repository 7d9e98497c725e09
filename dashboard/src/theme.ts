/** The themes that can be chosen; `auto` follows the system. */
export const THEMES = ['auto', 'light', 'dark'] as const;

/** A theme that can be chosen. */
export type Theme = (typeof THEMES)[number];

const KEY = 'rollgate-theme';

/** Returns the theme that was chosen last. */
export function storedTheme(): Theme {
  const stored = localStorage.getItem(KEY);
  return THEMES.find((theme) => theme === stored) ?? 'auto';
}

/** Shows the page in a theme, now and when it is opened again. */
export function setTheme(theme: Theme): void {
  localStorage.setItem(KEY, theme);
  if (theme === 'auto') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}
