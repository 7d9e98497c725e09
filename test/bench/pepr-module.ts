/**
 * A module of Pepr with a capability that approves every change, and does nothing else. A text, because Pepr is no
 * dependency of the project. Its argument is the port.
 */
export const PEPR_MODULE = `
const { Capability, PeprModule, RegisterKind, a } = require('pepr');

// Pepr knows a kind by the name of its class.
class Rollout extends a.GenericKind {}
class AnalysisTemplate extends a.GenericKind {}
class VirtualService extends a.GenericKind {}
for (const [model, group, version] of [
  [Rollout, 'argoproj.io', 'v1alpha1'],
  [AnalysisTemplate, 'argoproj.io', 'v1alpha1'],
  [VirtualService, 'networking.istio.io', 'v1'],
])
  RegisterKind(model, { group, version, kind: model.name });

const capability = new Capability({ name: 'bench', description: 'approves every change', namespaces: [] });
for (const model of [a.Service, Rollout, AnalysisTemplate, VirtualService]) {
  capability
    .When(model)
    .IsCreatedOrUpdated()
    .Mutate(() => undefined);
  capability
    .When(model)
    .IsCreatedOrUpdated()
    .Validate((request) => request.Approve());
}

const pepr = { uuid: 'bench', onError: 'reject', webhookTimeout: 10, alwaysIgnore: { namespaces: [] } };
new PeprModule({ description: 'bench', pepr }, [capability], { deferStart: true }).start(Number(process.argv[2]));
`;
