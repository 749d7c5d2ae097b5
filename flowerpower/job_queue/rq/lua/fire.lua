-- Writes decisions: for each schedule that has not changed since it was read, the rows of its
-- ledger, its jobs and its next fire, and cancels the jobs that they replace. Returns for each of its
-- fires whether it is new.
-- Touches schedule, due, dealt_with, same, fire, fires, spans, backfills, recorded, and all keys of the
-- jobs.
check_writable()
local time = now()
local answers = {}
for position, decision in ipairs(args.decisions) do
    local answer, added, id = {}, 0, decision.id
    local revision = fields(schedule_key(id), 'revision')[1]
    if revision == decision.seen and count_active(id) == decision.active then
        answer, added = write_fires(id, decision.fires, time)
        -- A fire whose time had its job before, as after the clock was set back, replaces nothing.
        local replaced = decision.replaced - (decision.jobs - added)
        if replaced > 0 then replace_jobs(id, replaced, time, decision.error) end
        for _, set in ipairs({'fires:', 'spans:'}) do
            local order = own .. set .. id
            local excess = redis.call('ZCARD', order) - args.kept
            if excess > 0 then delete_fires(id, redis.call('ZRANGE', order, 0, excess - 1)) end
        end
        if decision.moved.state == 'done' then unindex(id) end
        move(id, decision.moved)
    end
    answers[position] = answer
end
return answers
