-- Forgets a schedule and its ledger: whether it was there.
if redis.call('EXISTS', schedule_key(given.id)) == 0 then return 0 end
begin()
unname(given.id)
for _, each in ipairs({'schedules', 'due', 'dealt_with'}) do
    redis.call('ZREM', own .. each, given.id)
end
redis.call('DEL', schedule_key(given.id), own .. 'fires:' .. given.id, own .. 'fire:' .. given.id)
return 1
