-- A worker goes, or is taken for dead if its beat is still that: how many jobs it held.
if redis.call('HEXISTS', own .. 'workers', given.worker) == 0 then return 0 end
if given.beat and redis.call('HGET', own .. 'beats', given.worker) ~= tostring(given.beat) then
    return 0
end
begin()
for _, each in ipairs({'workers', 'beats', 'beat_at'}) do
    redis.call('HDEL', own .. each, given.worker)
end
return lose_all(given.worker, now())
