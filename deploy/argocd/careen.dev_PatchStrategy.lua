-- The health of a PatchStrategy in Argo CD (docs/guides/gitops.md). It uses no library and no field that may not be absent.

local metadata = obj.metadata or {}
local status = obj.status or {}
local conditions = {}
for _, each in ipairs(status.conditions or {}) do
  if each.type ~= nil then conditions[each.type] = each end
end
local ready = conditions.Ready or {}

local function is(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

local function health(word)
  local message = ready.message or ready.reason or ""
  if status.stages ~= nil and is("Reconciling") then
    message = status.stages .. " stages done; " .. message
  end
  return { status = word, message = message }
end

if metadata.deletionTimestamp ~= nil then
  local answer = health("Progressing")
  -- Argo CD before 3.6 says "Pending deletion" in the place of it.
  answer.deletionMessage = "its hosts are given back before it goes, leave its finalizer; " .. answer.message
  return answer
end
if ready.status == nil or status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = "the operator has not seen this generation yet" }
end
if is("Stalled") then return health("Degraded") end
if is("Ready") then return health("Healthy") end
if is("Reconciling") or ready.status ~= "False" then return health("Progressing") end
-- It waits for a person: for approval, for a later stage to be allowed, in Suspend, or for its pool.
return health("Suspended")
