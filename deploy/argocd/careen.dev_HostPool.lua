-- The health of a HostPool in Argo CD (docs/guides/gitops.md). It uses no library, and any field
-- may be absent or of another type.

local function fields(value)
  if type(value) == "table" then return value end
  return {}
end

local function text(value)
  if type(value) == "string" then return value end
end

local metadata = fields(obj.metadata)
local status = fields(obj.status)
local conditions = {}
for _, each in ipairs(fields(status.conditions)) do
  local name = text(fields(each).type)
  if name ~= nil then conditions[name] = each end
end
local ready = fields(conditions.Ready)

local function health(word)
  return { status = word, message = text(ready.message) or text(ready.reason) or "" }
end

if ready.status == nil or status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = "the operator has not observed this generation yet" }
end
if conditions.Stalled ~= nil and conditions.Stalled.status == "True" then return health("Degraded") end
if ready.status ~= "True" then return health("Progressing") end
if ready.reason == "Paused" then return health("Suspended") end
return health("Healthy")
