import type { Rule } from './define.ts';
import { virtualServiceRouteExists } from './virtualservice-route-exists/rule.ts';

/** Every rule, sorted by id. Adding one is one line here and one folder beside this file. */
export const RULES: readonly Rule[] = [virtualServiceRouteExists];
