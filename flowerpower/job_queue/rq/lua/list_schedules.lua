-- For each of the schedules `ids`: its fields, the latest row of its ledger, how the job of that fire
-- ended, and the status of that job now. No fields: its key is damaged, or gone.
-- Reads schedule, fires, spans, backfills, fire, ended, and the status of jobs.
local answers = {}
for position, id in ipairs(args.ids) do
    local hash = redis.pcall('HGETALL', schedule_key(id))
    if hash.err then hash = {} end
    local latest
    for _, set in ipairs({'fires:', 'spans:', 'backfills:'}) do
        local time = redis.pcall('ZREVRANGE', own .. set .. id, 0, 0)[1]
        if time and (not latest or tonumber(time) > tonumber(latest)) then latest = time end
    end
    local row = latest and fields(own .. 'fire:' .. id, latest)[1]
    local ended = latest and fields(own .. 'ended:' .. id, latest)[1]
    local is_read, content = pcall(cjson.decode, row or '{}')
    local job = is_read and type(content) == 'table' and content.job_id
    local status = type(job) == 'string' and fields(job_key(job), 'status')[1]
    answers[position] = {hash, row or '', ended or '', status or ''}
end
return answers
