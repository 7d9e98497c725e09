const KEY = 'rollgate-token';

/** Takes the token out of the address, which people copy, and keeps it for this tab until it is closed. */
export function takeToken(): void {
  const token = new URLSearchParams(location.search).get('token');
  if (token !== null) sessionStorage.setItem(KEY, token);
  if (location.search !== '') history.replaceState(null, '', location.pathname + location.hash);
}

/** Requests a path of the server of the page, with the token. */
export function callServer(path: string, { headers, ...init }: RequestInit = {}): Promise<Response> {
  return fetch(path, { ...init, headers: { ...headers, 'x-rollgate-token': sessionStorage.getItem(KEY) ?? '' } });
}
