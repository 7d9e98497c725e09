import { ALB_INGRESSES } from './alb-ingresses.ts';
import type { KeepSetup } from './applied.ts';
import { HASHES } from './hashes.ts';
import { HTTP_ROUTES } from './http-routes.ts';
import { OTHER_ROUTERS } from './other-routers.ts';
import { VIRTUAL_SERVICES } from './virtual-services.ts';

/** Everything of which a user can make something large that is kept. */
export const KEEP_SETUPS: readonly KeepSetup[] = [
  ...VIRTUAL_SERVICES,
  ...HTTP_ROUTES,
  ...ALB_INGRESSES,
  ...OTHER_ROUTERS,
  ...HASHES,
];
