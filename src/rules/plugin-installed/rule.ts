import { nearest } from '../../world/nearest.ts';
import { namespaceOf } from '../../world/object.ts';
import { routerPlugins } from '../../world/plugins.ts';
import { asObject } from '../../world/read.ts';
import { trafficRoutingOf } from '../../world/rollout.ts';
import { defineRule } from '../define.ts';

// The number of names that a message has room for.
const MAX_NAMES = 8;

export const pluginInstalled = defineRule({
  id: 'plugin-installed',
  summary: 'The router plugins of a Rollout are installed in the controller.',
  explanation:
    'The controller loads its plugins at startup from the ConfigMap argo-rollouts-config in its own namespace. If ' +
    'trafficRouterPlugins there does not list a plugin, every reconciliation of the Rollout fails. A Rollout does ' +
    'not tell which namespace the controller runs in, so one ConfigMap of that name that lists the plugin is ' +
    'enough. If no such ConfigMap is known, or one cannot be read, nothing is reported. Source: Argo Rollouts ' +
    'v1.9.1, utils/config (InitializeConfig) and utils/plugin (GetPluginInfo).',
  subject: { 'Rollout.argoproj.io': ['spec.strategy.canary.trafficRouting.plugins'] },
  reads: { ConfigMap: ['data.trafficRouterPlugins'] },
  example: { fixture: 'bad-no-router-plugins.yaml' },
  messages: {
    absent: {
      class: 'missing',
      refutedBy: ['ConfigMap'],
      text: 'router plugin "{plugin}" is not installed in the controller ({has})',
      fix: 'add it to trafficRouterPlugins in ConfigMap "argo-rollouts-config" and restart the controller{hint}',
    },
  },
  check(context, rollout) {
    const plugins = Object.keys(asObject(trafficRoutingOf(rollout)?.['plugins']));
    if (plugins.length === 0) return;
    const installed = new Set<string>();
    let known = false;
    for (const configuration of context.controllerConfigurations()) {
      const configMap = context.find('ConfigMap', namespaceOf(configuration), configuration.metadata.name);
      if (configMap === undefined) continue;
      const names = routerPlugins(configMap);
      if (names === undefined) {
        context.skip(
          `ConfigMap ${namespaceOf(configMap)}/${configMap.metadata.name}: trafficRouterPlugins is not a YAML list`,
        );
        return;
      }
      for (const name of names) installed.add(name);
      known = true;
    }
    if (!known) {
      context.skip('the ConfigMap argo-rollouts-config of the controller is unknown');
      return;
    }
    const names = [...installed].sort().slice(0, MAX_NAMES);
    const has = names.length === 0 ? 'it has none' : `it has ${names.map((name) => `"${name}"`).join(', ')}`;
    for (const plugin of plugins) {
      if (installed.has(plugin)) continue;
      const near = nearest(plugin, names);
      // The ConfigMap is not in `related`, because it belongs to others. A message about another namespace says only that
      // the object exists.
      context.report('absent', {
        path: ['spec', 'strategy', 'canary', 'trafficRouting', 'plugins', plugin],
        anchor: plugin,
        data: { plugin, has, hint: near === undefined ? '' : `, or use "${near}"` },
      });
    }
  },
});
