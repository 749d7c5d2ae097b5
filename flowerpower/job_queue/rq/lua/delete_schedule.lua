-- Deletes a schedule and its ledger. Returns whether it existed. Touches schedules, due, dealt_with,
-- same, and its schedule, fire, fires, spans, backfills, recorded and ended.
if redis.call('EXISTS', schedule_key(args.id)) == 0 then return 0 end
check_writable()
unindex(args.id)
for _, name in ipairs({'schedules', 'due', 'dealt_with'}) do
    redis.call('ZREM', own .. name, args.id)
end
for _, name in ipairs({'fire:', 'fires:', 'spans:', 'backfills:', 'recorded:', 'ended:'}) do
    redis.call('DEL', own .. name .. args.id)
end
redis.call('DEL', schedule_key(args.id))
return 1
