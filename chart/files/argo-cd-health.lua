-- Health of Deployments for Argo CD, where Rollgate makes Rollouts of some (resource.customizations.health.apps_Deployment).
-- A Deployment that Rollgate holds at 0 counts as healthy by itself; this says what is known of its conversion instead.
local hs = {}
local annotations = obj.metadata.annotations or {}
local convert = annotations["rollgate.io/convert"]
local uid = annotations["rollgate.io/rollout-uid"]
local suspended = annotations["rollgate.io/convert-suspended"]
local wanted = tonumber(annotations["rollgate.io/replicas"] or "")
local spec = obj.spec.replicas

if suspended ~= nil then
  hs.status = "Degraded"
  hs.message = "conversion to a Rollout is suspended: " .. suspended
  return hs
end
if convert ~= nil and convert ~= "off" and wanted ~= nil and uid == nil then
  hs.status = "Progressing"
  hs.message = "a Rollout is being made of this Deployment"
  return hs
end
if uid ~= nil and (convert == nil or convert == "off") then
  hs.status = "Progressing"
  hs.message = "it goes back from a Rollout to a Deployment"
  return hs
end
if uid ~= nil and spec == 0 then
  hs.status = "Healthy"
  hs.message = "its pods are run by a Rollout: see the health of that"
  return hs
end

-- What Argo CD says of every other Deployment (v3.2, gitops-engine, pkg/health/health_deployment.go).
if obj.spec.paused == true then
  hs.status = "Suspended"
  hs.message = "Deployment is paused"
  return hs
end
local status = obj.status or {}
local updated = status.updatedReplicas or 0
local available = status.availableReplicas or 0
local old = (status.replicas or 0) - updated
local waiting = nil
if (obj.metadata.generation or 0) > (status.observedGeneration or 0) then
  waiting = "observed deployment generation less than desired generation"
else
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == "Progressing" then
      if condition.reason == "ProgressDeadlineExceeded" then
        hs.status = "Degraded"
        hs.message = 'Deployment "' .. obj.metadata.name .. '" exceeded its progress deadline'
        return hs
      end
      break
    end
  end
  if spec ~= nil and updated < spec then
    waiting = updated .. " out of " .. spec .. " new replicas have been updated..."
  elseif old > 0 then
    waiting = old .. " old replicas are pending termination..."
  elseif available < updated then
    waiting = available .. " of " .. updated .. " updated replicas are available..."
  end
end
if waiting ~= nil then
  hs.status = "Progressing"
  hs.message = "Waiting for rollout to finish: " .. waiting
  return hs
end
hs.status = "Healthy"
return hs
