-- The health of a PatchStrategy in Argo CD (docs/guides/gitops.md). It uses no library and no field that may not be absent.

local function fields(value)
  if type(value) == "table" then return value end
  return {}
end

local status = fields(obj.status)
local conditions = {}
for _, each in ipairs(fields(status.conditions)) do
  local name = fields(each).type
  if name ~= nil then conditions[name] = each end
end
local ready = fields(conditions.Ready)

local function is(name)
  return fields(conditions[name]).status == "True"
end

local function health(word)
  local message = ready.message or ready.reason or ""
  if status.stages ~= nil and is("Reconciling") then
    message = status.stages .. " stages done; " .. message
  end
  return { status = word, message = message }
end

if ready.status == nil or status.observedGeneration ~= fields(obj.metadata).generation then
  return { status = "Progressing", message = "the operator has not seen this generation yet" }
end
if is("Stalled") then return health("Degraded") end
if is("Ready") then return health("Healthy") end
if is("Reconciling") or ready.status ~= "False" then return health("Progressing") end
-- It waits for a person: for approval, for a later stage to be allowed, in Suspend, or for its pool.
return health("Suspended")
