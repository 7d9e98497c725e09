import { asString, dig } from '../world/read.ts';
import { ApiError, type ApiClient, type ListItem } from './client.ts';

/** A list of the API server. */
export interface ListTarget {
  readonly path: string;
  /** Selectors. */
  readonly query: Readonly<Record<string, string>>;
  /** Whether to read only the metadata of the objects. */
  readonly metadataOnly: boolean;
  /** Its name in logs. */
  readonly label: string;
}

const PAGE = 500;
/** The objects of the first page. Until it has been read, their size is not known. */
export const FIRST_PAGE = 100;
// The API server holds a whole page in memory.
const PAGE_BYTES = 16 * 1024 * 1024;

/**
 * Reads a list in pages of at most 500 objects, fewer if they are large, and calls a function with each object. Returns
 * the version of the list, or undefined if it expired between two pages. Throws as `client.list` does.
 * @param limit - The number of objects in the first page; undefined reads one page.
 */
export async function readPages(
  client: ApiClient,
  target: ListTarget & { readonly signal: AbortSignal },
  limit: number | undefined,
  each: (item: ListItem) => void,
): Promise<string | undefined> {
  const accept = target.metadataOnly
    ? 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
    : 'application/json';
  let token = '';
  let version: string;
  let nextLimit = limit;
  let count = 0;
  let bytes = 0;
  do {
    const query: Record<string, string> = { ...target.query };
    if (nextLimit !== undefined) query['limit'] = String(nextLimit);
    if (token !== '') query['continue'] = token;
    let page: unknown;
    try {
      page = await client.list({ path: target.path, query, accept, signal: target.signal }, (item) => {
        count++;
        bytes += item.bytes;
        each(item);
      });
    } catch (error) {
      if (token !== '' && error instanceof ApiError && error.status === 410) return undefined;
      throw error;
    }
    token = asString(dig(page, 'metadata', 'continue'));
    version = asString(dig(page, 'metadata', 'resourceVersion'));
    if (nextLimit !== undefined)
      nextLimit = Math.min(PAGE, Math.max(1, Math.floor((PAGE_BYTES * count) / Math.max(1, bytes))));
  } while (token !== '');
  return version;
}
