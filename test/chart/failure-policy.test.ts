import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { render, template } from '../../scripts/helm.ts';
import { asArray, asString, dig } from '../../src/world/read.ts';

const CONTROLLERS = ['argoproj', 'istio', 'gateway', 'services', 'workloads', 'ingresses', 'routers'];

function settings(...values: readonly string[]): string[] {
  return values.flatMap((value) => ['--set-json', value]);
}

function fail(...groups: readonly string[]): string[] {
  return groups.map((group) => `webhooks.failurePolicy.${group}="Fail"`);
}

/** Returns the accounts that each webhook leaves out, by its name. */
function unchecked(...values: readonly string[]): Map<string, readonly string[]> {
  const webhooks = parseAllDocuments(render(...settings(...values)))
    .map((document) => document.toJS() as unknown)
    .flatMap((object) => asArray(dig(object, 'webhooks')));
  return new Map(
    webhooks.map((webhook) => {
      const expression = asString(dig(asArray(dig(webhook, 'matchConditions'))[0], 'expression'));
      const listed = expression.slice(expression.indexOf('['), expression.lastIndexOf(']') + 1);
      return [asString(dig(webhook, 'name')), JSON.parse(listed) as string[]];
    }),
  );
}

/** Returns why the chart does not render, or an empty string if it does. */
function whyNot(...values: readonly string[]): string {
  return template({}, ...settings(...values)).stderr;
}

describe('failurePolicy Fail', () => {
  it('leaves out the usual account in each of controllers.namespaces, and only where it is Fail', () => {
    const before = unchecked('controllers.namespaces=["argo-rollouts","delivery"]');
    const after = unchecked('controllers.namespaces=["argo-rollouts","delivery"]', ...fail('istio', 'argoproj'));
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, accounts] of after) {
      const added = accounts.filter((account) => !before.get(name)?.includes(account));
      const isFail = name.startsWith('istio.') || name.startsWith('argoproj.');
      expect([name, added]).toEqual([
        name,
        isFail
          ? ['system:serviceaccount:argo-rollouts:argo-rollouts', 'system:serviceaccount:delivery:argo-rollouts']
          : [],
      ]);
    }
  });

  it('leaves out only controllers.accounts if labels mean nothing', () => {
    const [, accounts = []] =
      [...unchecked('controllers.discover=false', 'controllers.accounts=["own"]', ...fail('istio'))].find(([name]) =>
        name.startsWith('istio.validate.'),
      ) ?? [];
    expect(accounts).toContain('own');
    expect(accounts.filter((account) => account.endsWith(':argo-rollouts'))).toEqual([]);
  });

  it.each(CONTROLLERS)('needs to know an account for the group %s, which a controller writes', (group) => {
    const reason = `webhooks.failurePolicy.${group}: with Fail, the API server must know the account`;
    expect(whyNot('controllers.namespaces=[]', ...fail(group))).toContain(reason);
    expect(whyNot('controllers.discover=false', ...fail(group))).toContain(reason);
    expect(whyNot('controllers.discover=false', 'controllers.accounts=["own"]', ...fail(group))).toBe('');
    expect(whyNot(...fail(group))).toBe('');
  });

  it('needs to know none for kinds that no controller writes', () => {
    expect(whyNot('controllers.namespaces=[]', ...fail('autoscalers'))).toBe('');
    expect(whyNot('controllers.namespaces=[]')).toBe('');
  });
});
