import { asArray, asString, dig } from '../../world/read.ts';
import { checkAddress } from './address.ts';
import type { Context } from './messages.ts';
import { isPlaceholder, type Provider } from './providers.ts';

/** Checks the scopes of a Kayenta metric. Source: Argo Rollouts v1.9.1, `metricproviders/kayenta` (`getScopeRequest`). */
export function checkKayenta(context: Context, provider: Provider): void {
  checkAddress(context, provider, 'kayenta.address');
  const { metric, settings, path, interval } = provider;
  for (const [index, scope] of asArray(settings['scopes']).entries()) {
    const name = asString(dig(scope, 'name'));
    const at = [...path, 'scopes', index];
    const isUnset = (['start', 'end'] as const).map((field) => {
      const [control, experiment] = ['controlScope', 'experimentScope'].map((part) =>
        asString(dig(scope, part, field)),
      );
      if ((control === '') !== (experiment === '') && !isPlaceholder(`${control}${experiment}`))
        context.report('scope', {
          path: at,
          anchor: `${metric} ${name} ${field}`,
          data: { metric, scope: name, field },
        });
      return control === '' && experiment === '';
    });
    if (isUnset[0] === true && interval === '' && settings['lookback'] !== true)
      context.report('scopeStart', { path: at, anchor: `${metric} ${name}`, data: { metric, scope: name } });
  }
}
