-- The health of a HostPool in Argo CD (docs/guides/gitops.md). It uses no library and no field that may not be absent.

local metadata = obj.metadata or {}
local status = obj.status or {}
local conditions = {}
for _, each in ipairs(status.conditions or {}) do
  if each.type ~= nil then conditions[each.type] = each end
end
local ready = conditions.Ready or {}

local function health(word)
  return { status = word, message = ready.message or ready.reason or "" }
end

if ready.status == nil or status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = "the operator has not seen this generation yet" }
end
if conditions.Stalled ~= nil and conditions.Stalled.status == "True" then return health("Degraded") end
if ready.status ~= "True" then return health("Progressing") end
if ready.reason == "Paused" then return health("Suspended") end
return health("Healthy")
