import { ApiException } from '@kubernetes/client-node';
import { dig, isObject, optionalString, type JsonObject } from '../world/read.ts';

/** The API server rejected a request. */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

/**
 * Returns what the API server answered.
 *
 * @throws ApiError when it rejects the request, and an Error that says so when it does not answer in time.
 */
export async function answered(request: Promise<unknown>): Promise<unknown> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof Error && error.name === 'TimeoutError')
      throw new Error('the API server gave no answer in time', { cause: error });
    if (!(error instanceof ApiException)) throw error;
    const body: unknown = error.body;
    throw new ApiError(
      error.code,
      optionalString(dig(isObject(body) ? body : parsed(body), 'message')) ?? `HTTP ${error.code}`,
    );
  }
}

function parsed(body: unknown): JsonObject {
  try {
    const value: unknown = typeof body === 'string' ? JSON.parse(body) : undefined;
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
