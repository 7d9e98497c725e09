import { AsyncLocalStorage } from 'node:async_hooks';

const addresses = new AsyncLocalStorage<string>();

/**
 * Runs an action, and everything that it starts, on behalf of the client at an address. The gate is pure and passes no
 * addresses on, so the address goes around it.
 */
export function onBehalfOf<T>(address: string, action: () => T): T {
  return addresses.run(address, action);
}

/** Returns the address of the client that the current action works for, or an empty string. */
export function currentAddress(): string {
  return addresses.getStore() ?? '';
}
