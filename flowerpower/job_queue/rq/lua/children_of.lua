-- The ids of the jobs that run after one of the jobs `args.ids`. Reads children.
local found = {}
for _, parent in ipairs(args.ids) do
    local ids = redis.pcall('SMEMBERS', children_key(parent))
    if not ids.err then
        for _, id in ipairs(ids) do table.insert(found, id) end
    end
end
return found
