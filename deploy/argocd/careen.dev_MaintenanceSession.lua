-- Made by `npm run generate` from deploy/argocd/careen.dev_PatchStrategy.lua. Do not edit.
-- The health of a MaintenanceSession in Argo CD (docs/guides/gitops.md). It uses no library, and any field
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

local function is(name)
  return conditions[name] ~= nil and conditions[name].status == "True"
end

-- Only a MaintenanceSession has it. Nobody knows how many stages that will have.
local session = fields(status.session)

local function health(word)
  local message = text(ready.message) or text(ready.reason) or ""
  if text(session.state) ~= nil then
    local maintained = text(session.maintained)
    if maintained ~= nil then message = maintained .. " hosts maintained; " .. message end
    message = session.state .. ": " .. message
  elseif text(status.stages) ~= nil and status.stages ~= "0/0" and is("Reconciling") then
    message = status.stages .. " stages done; " .. message
  end
  return { status = word, message = message }
end

if metadata.deletionTimestamp ~= nil then
  local answer = health("Progressing")
  -- Argo CD before 3.6 shows "Pending deletion" instead.
  answer.deletionMessage = "its hosts are released before it is deleted, do not remove its finalizer; " .. answer.message
  return answer
end
if ready.status == nil or status.observedGeneration ~= metadata.generation then
  return { status = "Progressing", message = "the operator has not observed this generation yet" }
end
if is("Stalled") then return health("Degraded") end
if is("Ready") then return health("Healthy") end
if is("Reconciling") or ready.status ~= "False" then return health("Progressing") end
-- It waits for a person: for approval, for permission to run a later stage, in Suspend, or for its pool.
return health("Suspended")
